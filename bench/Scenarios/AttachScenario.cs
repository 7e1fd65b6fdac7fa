using System.Net.Sockets;

namespace CniPlugins.Bench.Scenarios;

/// <summary>ADD and DEL of a container on a network that has another one already, so that bridge and tables are there.</summary>
internal sealed class AttachScenario(string name, string description, Shape shape) : IScenario
{
    private const int WarmUps = 2;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => description;

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        using HostPair hosts = new(options.Peer, shape);
        if (shape.Plugins(options.Peer).FirstOrDefault(plugin => !File.Exists(Path.Combine(options.Peer.Binaries, $"{plugin["type"]}"))) is { } absent)
        {
            report.Note($"{Name}: not measured, {options.Peer.Binaries} has no {absent["type"]}");
            return;
        }

        if (!HasKind(hosts.Ours))
        {
            report.Note($"{Name}: not measured, this kernel has no {shape.Kind}");
            return;
        }

        Dictionary<BenchHost, Sandbox> sandboxes = [];
        foreach (BenchHost host in hosts.Both)
        {
            if (!shape.IsExclusive)
            {
                host.Add(host.MakeSandbox(), publish: false);
            }

            Sandbox sandbox = sandboxes[host] = host.MakeSandbox();
            for (int i = 0; i < WarmUps; i++)
            {
                Verify(host, sandbox);
            }
        }

        Samples adds = new();
        Samples deletes = new();
        hosts.Alternate(options.Rounds, (host, _) =>
        {
            adds.Add(host.Contender, host.Add(sandboxes[host]));
            deletes.Add(host.Contender, host.Delete(sandboxes[host]));
        });
        report.Add(Name, "ADD", adds, (CountPrograms("ADD", hosts.Ours), CountPrograms("ADD", hosts.Peer)));
        report.Add(Name, "DEL", deletes, (CountPrograms("DEL", hosts.Ours), CountPrograms("DEL", hosts.Peer)));

        int CountPrograms(string verb, BenchHost host)
        {
            if (verb == "ADD")
            {
                sandboxes[host].Renew();
            }

            return host.CountPrograms(verb, sandboxes[host]);
        }
    }

    private bool HasKind(BenchHost host)
    {
        const string Probe = "probe";
        if (shape.Kind is null)
        {
            return true;
        }

        bool has = host.TryTool(["/usr/sbin/ip", "link", "add", Probe, "link", Shape.Master, "type", shape.Kind, .. shape.KindOptions]).Succeeded;
        host.TryTool("/usr/sbin/ip", "link", "del", Probe);
        return has;
    }

    /// <summary>What is fast because it does not do its work is no contender.</summary>
    private void Verify(BenchHost host, Sandbox sandbox)
    {
        host.Add(sandbox);
        string shown = host.Tool("/usr/bin/nsenter", $"--net={sandbox.NetworkPath}", "/usr/sbin/ip", "-o", "address", "show", "dev", Sandbox.InterfaceName);
        foreach (string address in sandbox.Addresses)
        {
            Require(shown.Contains($" {address}/", StringComparison.Ordinal), host, $"{address} is not on {Sandbox.InterfaceName}: {shown}");
        }

        for (int port = Shape.FirstPort; port < Shape.FirstPort + shape.Ports; port++)
        {
            using Socket listener = Reach.Listen(sandbox.NetworkPath, port - Shape.PortShift);
            Require(Reach.TryConnect(host.NetworkPath, "127.0.0.1", port, s_patience), host, $"port {port} does not answer");
        }

        host.Delete(sandbox);
        ProcessOutcome gone = host.TryTool("/usr/bin/nsenter", $"--net={sandbox.NetworkPath}", "/usr/sbin/ip", "link", "show", Sandbox.InterfaceName);
        Require(!gone.Succeeded, host, $"{Sandbox.InterfaceName} is there after DEL");
        Require(shape.Ports == 0 || !Reach.TryConnect(host.NetworkPath, "127.0.0.1", Shape.FirstPort, s_patience), host, "a port answers after DEL");
    }

    private void Require(bool condition, BenchHost host, string what)
    {
        if (!condition)
        {
            throw new BenchException($"{name}, {host.Contender.Name}: {what}");
        }
    }
}
