namespace CniPlugins.RuntimeTests.Harness;

/// <summary>A host on which containerd runs, with the image and one network.</summary>
internal sealed class ContainerdHost : RuntimeHost
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

    /// <summary>Where the host itself is on the network of <see cref="Chains"/>.</summary>
    internal const string Gateway4 = "10.88.0.1";

    internal ContainerdHost()
    {
        WriteFile("/etc/containerd.toml", Configuration);
        Start("containerd", "containerd", "--config", "/etc/containerd.toml");
        Wait.Until("containerd answers", () => File.Exists(Outside(Socket)) && TryRun("ctr", "version").ExitCode == 0);
        string image = Path.Combine(Root, "box.tar");
        BoxImage.Write(image);

        // In both of the namespaces that containerd keeps: ctr's, and the one of Kubernetes.
        Run("ctr", "image", "import", image);
        Run("ctr", "-n", "k8s.io", "image", "import", image);
    }
}
