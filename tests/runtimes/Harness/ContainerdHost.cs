using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.RuntimeTests.Harness;

/// <summary>A host on which containerd runs, with the image and one network.</summary>
internal sealed class ContainerdHost : IDisposable
{
    internal const string Socket = "/run/containerd/containerd.sock";

    /// <summary>Without CAP_SYS_RESOURCE (as in a container) scores of the out-of-memory killer cannot be lowered.</summary>
    private const string Configuration = """
        version = 2
        [plugins."io.containerd.grpc.v1.cri"]
          restrict_oom_score_adj = true
          disable_apparmor = true
          sandbox_image = "localhost/box:1"
        """;

    private readonly RuntimeHost _host = new();

    internal ContainerdHost()
    {
        _host.WriteFile("/etc/containerd.toml", Configuration);
        _host.Start("containerd", "containerd", "--config", "/etc/containerd.toml");
        Wait.Until("containerd answers", () => File.Exists(_host.Outside(Socket)) && _host.TryRun("ctr", "version").ExitCode == 0);
        string image = Path.Combine(_host.Root, "box.tar");
        BoxImage.Write(image);

        // In both of the namespaces that containerd keeps: ctr's, and the one of Kubernetes.
        _host.Run("ctr", "image", "import", image);
        _host.Run("ctr", "-n", "k8s.io", "image", "import", image);
    }

    internal Netns Netns => _host.Host;

    internal Netns Lan => _host.Lan;

    /// <summary>Where the host itself is on the network of <see cref="Chains"/>.</summary>
    internal string Gateway4 => "10.88.0.1";

    /// <summary>The list that ctr and CRI use: the first in the directory.</summary>
    internal void SetNetwork(string list) => _host.WriteFile("/etc/cni/net.d/10-box.conflist", list);

    internal ToolResult Run(params string[] words) => _host.Run(words);

    internal ToolResult TryRun(params string[] words) => _host.TryRun(words);

    internal void Start(string name, params string[] words) => _host.Start(name, words);

    internal string Log(string name) => _host.Log(name);

    internal string Outside(string path) => _host.Outside(path);

    internal World World() => _host.World();

    public void Dispose() => _host.Dispose();
}
