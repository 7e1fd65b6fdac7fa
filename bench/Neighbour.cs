namespace CniPlugins.Bench;

/// <summary>Another machine on the host's LAN, which routes to the host's containers too.</summary>
internal sealed class Neighbour
{
    /// <summary>The host's own address there.</summary>
    public const string HostAddress = "192.0.2.1";

    private const string Address = "192.0.2.2";

    /// <summary>Puts it there.</summary>
    public Neighbour(BenchHost host)
    {
        NetworkPath = host.MakeSandbox().NetworkPath;
        host.Tool("/usr/sbin/ip", "link", "set", Shape.FarEnd, "netns", NetworkPath);
        host.Tool("/usr/sbin/ip", "address", "add", $"{HostAddress}/24", "dev", Shape.Master);
        Inside("address", "add", $"{Address}/24", "dev", Shape.FarEnd);
        Inside("link", "set", Shape.FarEnd, "up");
        Inside("route", "add", "default", "via", HostAddress);

        void Inside(params string[] words) => host.Tool(["/usr/bin/nsenter", $"--net={NetworkPath}", "/usr/sbin/ip", .. words]);
    }

    /// <summary>The path of its network namespace.</summary>
    public string NetworkPath { get; }
}
