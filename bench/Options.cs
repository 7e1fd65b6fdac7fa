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

    private static readonly IScenario[] s_all =
    [
        new VersionScenario(),
        new AttachScenario("plain", "bridge with IPv4 addresses", new Shape()),
        new AttachScenario("dual-stack", "bridge with IPv4 and IPv6 addresses", new Shape { DualStack = true }),
        new AttachScenario("masquerade", "bridge, IPv4, masquerade", new Shape { Masquerade = true }),
        new AttachScenario("port", "bridge, IPv4, masquerade, one published port", new Shape { Masquerade = true, Ports = 1 }),
        new AttachScenario("ports", "bridge, IPv4, masquerade, ten published ports", new Shape { Masquerade = true, Ports = 10 }),
        new ParallelScenario(),
        new SequenceScenario(),
        new ReuseScenario(),
        new IpamScaleScenario(),
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
