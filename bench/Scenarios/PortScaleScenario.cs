using System.Net.Sockets;

namespace CniPlugins.Bench.Scenarios;

/// <summary>One more published port beside those that other containers of the host have: ADD, DEL, and a connection through it.</summary>
internal sealed class PortScaleScenario : IScenario
{
    private const int WarmUps = 2;
    private const int ConnectRounds = 12;
    private const int ConnectsPerRound = 60;

    private static readonly (int Ports, int Rounds)[] s_levels = [(0, int.MaxValue), (100, 20), (1_000, 10), (10_000, 3)];

    private static readonly Shape s_shape = new() { Ports = 1, HostAddress = "0.0.0.0" };

    /// <inheritdoc/>
    public string Name => "port-scale";

    /// <inheritdoc/>
    public string Description => "one more published port, and connections through it, with 0 to 10,000 ports of others";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        if (options.PublishingPeers is [{ Backend: null, NeedsPortmap: true }])
        {
            report.Note($"{Name}: the reference's nftables backend is not measured, there is no package of it in artifacts/reference");
        }

        foreach (Contender peer in options.PublishingPeers)
        {
            RunAgainst(peer, options, report);
        }

        RunAgainst(Contender.OursWithout, options, report);
    }

    private void RunAgainst(Contender peer, Options options, Report report)
    {
        using HostPair hosts = new(peer, s_shape);
        bool isFlat = peer == Contender.OursWithout;
        Dictionary<BenchHost, Place> places = hosts.Both.ToDictionary(static host => host, static host => new Place(host));
        foreach ((int ports, int rounds) in s_levels)
        {
            Console.Error.WriteLine($"{Name}: {ports} ports, against {peer.Name} …");
            foreach ((BenchHost host, Place place) in places)
            {
                // Ours against itself: one host stays as it is.
                place.Others.Raise(host.Contender == Contender.OursWithout ? 0 : ports);
            }

            (Samples adds, Samples deletes) = Attach(hosts, places, isFlat ? options.Rounds : Math.Min(rounds, options.Rounds));
            report.Add($"{Name}, {peer.Name}", $"ADD at {ports}", adds);
            report.Add($"{Name}, {peer.Name}", $"DEL at {ports}", deletes);
            Dictionary<string, Series> connects = Connect(hosts, places);
            foreach ((string way, Series series) in connects)
            {
                report.Add($"{Name}, {peer.Name}", $"connect {way} at {ports}", "µs", series);
            }

            if (isFlat && ports > 0)
            {
                report.Note($"{Name}: times the time of ours with 0, in turn, at {ports}: ADD {Wall(adds):0.00} ({Processor(adds):0.00} of the processor), "
                    + $"DEL {Wall(deletes):0.00} ({Processor(deletes):0.00}), connect {string.Join(", ", connects.Select(static way => $"{way.Key} {way.Value.Compare().Ratio:0.00}"))}");
            }
        }

        static double Wall(Samples samples) => samples.Compare(static m => m.WallMs).Ratio;
        static double Processor(Samples samples) => samples.Compare(static m => m.CpuMs).Ratio;
    }

    private static (Samples Adds, Samples Deletes) Attach(HostPair hosts, Dictionary<BenchHost, Place> places, int rounds)
    {
        Samples adds = new(), deletes = new();
        hosts.Alternate(WarmUps, (host, _) => Once(host, new Samples(), new Samples()));
        hosts.Alternate(rounds, (host, _) => Once(host, adds, deletes));
        return (adds, deletes);

        void Once(BenchHost host, Samples toAdds, Samples toDeletes)
        {
            toAdds.Add(host.Contender, host.Add(places[host].Container));
            toDeletes.Add(host.Contender, host.Delete(places[host].Container));
        }
    }

    private static Dictionary<string, Series> Connect(HostPair hosts, Dictionary<BenchHost, Place> places)
    {
        Dictionary<string, Series> all = new() { ["to 127.0.0.1"] = new(), ["to the host's address"] = new(), ["from the LAN"] = new() };
        foreach (BenchHost host in hosts.Both)
        {
            host.Add(places[host].Container);
        }

        hosts.Alternate(ConnectRounds, (host, i) =>
        {
            Place place = places[host];
            using Socket listener = Reach.Listen(place.Container.NetworkPath, Shape.FirstPort - Shape.PortShift);
            Time("to 127.0.0.1", host.NetworkPath, "127.0.0.1");
            Time("to the host's address", host.NetworkPath, Neighbour.HostAddress);
            Time("from the LAN", place.Lan.NetworkPath, Neighbour.HostAddress);

            void Time(string what, string from, string address)
            {
                double[] times = Reach.TimeConnects(from, address, Shape.FirstPort, listener, ConnectsPerRound);
                // The first ones find neither neighbour entries nor anything of this in the processor's caches.
                all[what].Add(host.Contender, times[10..]);
            }
        });
        foreach (BenchHost host in hosts.Both)
        {
            host.Delete(places[host].Container);
        }

        return all;
    }

    /// <summary>What stands in a host.</summary>
    private sealed class Place
    {
        public Place(BenchHost host)
        {
            Lan = new Neighbour(host);
            Container = host.MakeSandbox();

            // One port is there at every level, and with it all that is made for the first one and shared.
            host.Add(host.MakeSandbox(), s_shape with { StartPort = Shape.FirstPort + 1 });
            Others = new OtherPorts(host, s_shape);
            Others.Verify();
        }

        public Neighbour Lan { get; }

        public Sandbox Container { get; }

        public OtherPorts Others { get; }
    }
}
