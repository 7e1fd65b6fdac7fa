namespace CniPlugins.RuntimeTests.Harness;

/// <summary>A host on which podman and buildah run, with the image.</summary>
internal sealed class PodmanHost : RuntimeHost
{
    /// <summary>No systemd is there to ask for control groups, nor a journal.</summary>
    private const string Engine = """
        [containers]
        apparmor_profile = "unconfined"
        [network]
        network_backend = "cni"
        cni_plugin_dirs = ["/opt/cni/bin"]
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        runtime = "runc"
        """;

    private const string Storage = """
        [storage]
        driver = "overlay"
        runroot = "/run/containers/storage"
        graphroot = "/var/lib/containers/storage"
        """;

    internal PodmanHost()
    {
        WriteFile("/etc/containers/containers.conf", Engine);
        WriteFile("/etc/containers/storage.conf", Storage);
        WriteFile("/etc/containers/policy.json", """{"default": [{"type": "insecureAcceptAnything"}]}""");
        string image = Path.Combine(Root, "box.tar");
        BoxImage.Write(image);
        Run("podman", "load", "-i", image);
    }
}
