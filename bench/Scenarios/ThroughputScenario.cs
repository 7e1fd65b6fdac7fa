using System.Text.Json.Nodes;

namespace CniPlugins.Bench.Scenarios;

/// <summary>What one TCP stream carries by a published port, and without one.</summary>
internal sealed class ThroughputScenario : IScenario
{
    private const int Rounds = 3;
    private const int Port = Shape.FirstPort - Shape.PortShift;

    private static readonly string[] s_ways = ["bridge, no port", "LAN, routed, no port", "LAN, published port", "127.0.0.1, published port"];

    /// <inheritdoc/>
    public string Name => "throughput";

    /// <inheritdoc/>
    public string Description => $"iperf3, one TCP stream by a published port and without, {Rounds} times 5 s each";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        Shape shape = new() { Ports = 1, HostAddress = "0.0.0.0" };
        List<BenchHost> hosts = [];
        Dictionary<string, Dictionary<Contender, double[]>> rates = s_ways.ToDictionary(static way => way, static _ => new Dictionary<Contender, double[]>());
        try
        {
            hosts.AddRange(options.PublishingPeers.Prepend(Contender.Ours).Select(contender => new BenchHost(contender, shape)));
            Place[] places = [.. hosts.Select(static host => new Place(host))];
            for (int i = 0; i < Rounds; i++)
            {
                foreach (string way in s_ways)
                {
                    for (int k = 0; k < places.Length; k++)
                    {
                        // Who goes first changes.
                        Place place = places[(i + k) % places.Length];
                        rates[way].TryAdd(place.Contender, new double[Rounds]);
                        rates[way][place.Contender][i] = place.Measure(way);
                    }
                }
            }
        }
        finally
        {
            hosts.ForEach(static host => host.Dispose());
        }

        foreach (string way in s_ways)
        {
            foreach (Contender peer in options.PublishingPeers)
            {
                Series series = new();
                for (int i = 0; i < Rounds; i++)
                {
                    series.Add(Contender.Ours, rates[way][Contender.Ours][i]);
                    series.Add(peer, rates[way][peer][i]);
                }

                report.Add($"{Name}, {peer.Name}", way, "Gbit/s", series);
            }
        }

        Note(report, "LAN, published port", "LAN, routed, no port", rates);
        Note(report, "127.0.0.1, published port", "bridge, no port", rates);
    }

    private void Note(Report report, string way, string floor, Dictionary<string, Dictionary<Contender, double[]>> rates)
    {
        foreach ((Contender contender, double[] published) in rates[way])
        {
            double ratio = Figure.Of(published.Zip(rates[floor][contender], static (own, other) => own / other)).Median;
            report.Note($"{Name}, {contender.Name}: {way}: {ratio:0.00} times what \"{floor}\" carries, in turn");
        }
    }

    /// <summary>A host with a container that listens, another container and a neighbour on the LAN.</summary>
    private sealed class Place
    {
        private readonly BenchHost _host;
        private readonly Sandbox _server;
        private readonly Sandbox _other;
        private readonly Neighbour _lan;

        public Place(BenchHost host)
        {
            _host = host;
            _lan = new Neighbour(host);
            _server = host.MakeSandbox();
            _other = host.MakeSandbox();
            host.Add(_server);
            host.Add(_other, publish: false);
        }

        public Contender Contender => _host.Contender;

        /// <summary>Gbit/s.</summary>
        public double Measure(string way) => way switch
        {
            "bridge, no port" => Measure(way, _other.NetworkPath, _server.Addresses[0], Port),
            "LAN, routed, no port" => Measure(way, _lan.NetworkPath, _server.Addresses[0], Port),
            "LAN, published port" => Measure(way, _lan.NetworkPath, Neighbour.HostAddress, Shape.FirstPort),
            _ => Measure(way, _host.NetworkPath, "127.0.0.1", Shape.FirstPort),
        };

        private double Measure(string way, string from, string address, int port)
        {
            // The server serves one and ends; the client waits until it listens (state 0A), and neither stays if the other does not come.
            string listens = $"/usr/bin/nsenter --net={_server.NetworkPath} /usr/bin/grep -q ':{Port:X4} 0*:0000 0A ' /proc/net/tcp6";
            string[] server = ["/usr/bin/timeout", "30", "/usr/bin/nsenter", $"--net={_server.NetworkPath}", "/usr/bin/iperf3", "-s", "-1", "-p", $"{Port}"];
            string[] client =
            [
                "/usr/bin/timeout", "30", "/bin/sh", "-c",
                $"until {listens}; do /usr/bin/sleep 0.1; done; exec /usr/bin/nsenter --net={from} /usr/bin/iperf3 -J -t 5 -c {address} -p {port}",
            ];
            IReadOnlyList<ProcessOutcome> ends = _host.TryTools(server, client);
            string output = ends[1].Output;
            JsonNode? rate = output.StartsWith('{') ? JsonNode.Parse(output)!["end"]?["sum_received"]?["bits_per_second"] : null;
            return rate?.GetValue<double>() / 1e9 ?? throw new BenchException($"{Contender.Name}, {way}: iperf3 to {address}:{port}: {output}{ends[0].Output}{ends[0].Error}");
        }
    }
}
