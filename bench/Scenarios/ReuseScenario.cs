using System.Diagnostics;
using System.Net.Sockets;

namespace CniPlugins.Bench.Scenarios;

/// <summary>A container gets the address of one that has just gone: how long after ADD until a neighbour that had talked to the old one reaches it.</summary>
internal sealed class ReuseScenario : IScenario
{
    private const int Rounds = 2;
    private const int Port = 8000;

    private static readonly TimeSpan s_attempt = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public string Name => "reuse";

    /// <inheritdoc/>
    public string Description => "an address given again: from the end of ADD to the first connection of a neighbour container";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        // The gateway has .1, the neighbour .2: one is left.
        using HostPair hosts = new(options.Peer, new Shape { Range4 = """{"subnet":"10.88.0.0/29","rangeEnd":"10.88.0.3"}""" });
        foreach (BenchHost host in hosts.Both)
        {
            List<double> times = [];
            using ReuseWorld world = new(host);
            for (int i = 0; i < Rounds; i++)
            {
                times.Add(world.ReplaceContainer());
            }

            string shown = string.Join(", ", times.Select(static ms => ms >= s_limit.TotalMilliseconds ? $"not within {s_limit.TotalSeconds} s" : $"{ms:0.0} ms"));
            report.Note($"{Name}, {host.Contender.Name}: {shown} from the end of ADD to a neighbour's first connection to an address that is given again");
        }
    }

    private sealed class ReuseWorld : IDisposable
    {
        private readonly BenchHost _host;
        private readonly Sandbox _neighbour;
        private Sandbox _container;

        public ReuseWorld(BenchHost host)
        {
            _host = host;
            _neighbour = host.MakeSandbox();
            _container = host.MakeSandbox();
            host.Add(_neighbour, publish: false);
            host.Add(_container);
        }

        /// <summary>The time in ms, or the limit.</summary>
        public double ReplaceContainer()
        {
            string address = _container.Addresses[0];
            using (Socket old = Reach.Listen(_container.NetworkPath, Port))
            {
                if (!Reach.TryConnect(_neighbour.NetworkPath, address, Port, s_limit))
                {
                    throw new BenchException($"reuse, {_host.Contender.Name}: {address} does not answer");
                }
            }

            _host.Delete(_container);
            _container = _host.MakeSandbox();
            using Socket listener = Reach.Listen(_container.NetworkPath, Port);
            _host.Add(_container);
            long start = Stopwatch.GetTimestamp();
            while (!Reach.TryConnect(_neighbour.NetworkPath, _container.Addresses[0], Port, s_attempt))
            {
                if (Stopwatch.GetElapsedTime(start) > s_limit)
                {
                    return s_limit.TotalMilliseconds;
                }
            }

            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        public void Dispose() => _host.Delete(_container);
    }
}
