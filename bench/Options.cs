using System.Globalization;
using CniPlugins.Bench.Scenarios;

namespace CniPlugins.Bench;

/// <summary>What the command line asks for.</summary>
/// <param name="Rounds">How often each call is measured for each contender.</param>
/// <param name="Peer">Whom ours is measured against.</param>
/// <param name="Scenarios">What is measured.</param>
internal sealed record Options(int Rounds, Contender Peer, IReadOnlyList<IScenario> Scenarios)
{
    private const int UsualRounds = 40;

    /// <summary>Whom ours is measured against where it matters how ports are published: the reference with each of its backends, as far as they are there.</summary>
    public IReadOnlyList<Contender> PublishingPeers =>
        Peer == Contender.Reference && Contender.FindNftablesReference() is Contender other ? [Peer, other] : [Peer];

    private static readonly IScenario[] s_all =
    [
        new VersionScenario(),
        new AttachScenario("plain", "bridge with IPv4 addresses", new Shape()),
        new AttachScenario("dual-stack", "bridge with IPv4 and IPv6 addresses", new Shape { DualStack = true }),
        new AttachScenario("masquerade", "bridge, IPv4, masquerade", new Shape { Masquerade = true }),
        new AttachScenario("port", "bridge, IPv4, masquerade, one published port", new Shape { Masquerade = true, Ports = 1 }),
        new AttachScenario("ports", "bridge, IPv4, masquerade, ten published ports", new Shape { Masquerade = true, Ports = 10 }),
        new AttachScenario("ptp", "ptp, IPv4, masquerade", new Shape { Driver = """{"type":"ptp","ipMasq":true}""" }),
        new AttachScenario("macvlan", "macvlan on a pair", new Shape { Driver = $$"""{"type":"macvlan","master":"{{Shape.Master}}"}""" }),
        new AttachScenario("tap", "tap with an owner and a group", new Shape { Driver = """{"type":"tap","owner":0,"group":0}""" }),
        new AttachScenario("portmap", "bridge and portmap in a list, one published port", new Shape { Chained = """{"type":"portmap","snat":true}""", Ports = 1 }),
        new AttachScenario("firewall", "bridge and firewall in a list", new Shape { Chained = """{"type":"firewall"}""" }),
        new AttachScenario(
            "bandwidth", "bridge and bandwidth in a list, both directions",
            new Shape { Chained = """{"type":"bandwidth","ingressRate":1000000,"ingressBurst":1000000,"egressRate":1000000,"egressBurst":1000000}""" }),
        new AttachScenario("tuning", "bridge and tuning in a list, a sysctl and an MTU", new Shape { Chained = """{"type":"tuning","sysctl":{"net.core.somaxconn":"500"},"mtu":1400}""" }),
        new AttachScenario("sbr", "bridge and sbr in a list", new Shape { Chained = """{"type":"sbr"}""" }),
        new AttachScenario("ipvlan", "ipvlan on a pair", new Shape { Driver = $$"""{"type":"ipvlan","master":"{{Shape.Master}}"}""", Kind = "ipvlan" }),
        new AttachScenario("vlan", "vlan on a pair", new Shape { Driver = $$"""{"type":"vlan","master":"{{Shape.Master}}","vlanId":7}""", Kind = "vlan" }),
        new AttachScenario("dummy", "dummy", new Shape { Driver = """{"type":"dummy"}""", Kind = "dummy" }),
        new ParallelScenario(),
        new SequenceScenario(),
        new ReuseScenario(),
        new IpamScaleScenario(),
        new PortScaleScenario(),
        new PortCountScenario(),
        new ThroughputScenario(),
    ];

    /// <summary>The options; null when they only ask for help, which is then given.</summary>
    /// <exception cref="BenchException">An argument is unknown.</exception>
    public static Options? Parse(IReadOnlyList<string> arguments)
    {
        int rounds = UsualRounds;
        Contender peer = Contender.Reference;
        List<IScenario> scenarios = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--help" or "-h":
                    Console.WriteLine(Usage());
                    return null;
                case "--rounds" when i + 1 < arguments.Count && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out rounds) && rounds > 0:
                    i++;
                    break;
                case "--against" when i + 1 < arguments.Count:
                    peer = Contender.OtherBuild(arguments[++i]);
                    break;
                default:
                    scenarios.Add(Array.Find(s_all, each => each.Name == arguments[i])
                        ?? throw new BenchException($"\"{arguments[i]}\" is unknown\n{Usage()}"));
                    break;
            }
        }

        return new Options(rounds, peer, scenarios.Count > 0 ? scenarios : s_all);
    }

    private static string Usage() =>
        $"""
        usage: bench/run [--rounds N] [--against DIRECTORY] [scenario…]
          --rounds N              how often each call is measured for each contender, usually {UsualRounds}
          --against DIRECTORY     measure against another build of these plugins, not the reference's
        All scenarios, unless some are named:

        """
        + string.Join('\n', s_all.Select(static each => $"  {each.Name,-12}{each.Description}"));
}
