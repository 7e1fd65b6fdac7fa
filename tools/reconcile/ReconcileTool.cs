using System.Text;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Tools.Reconcile;

/// <summary>The command <c>cni-reconcile</c>: puts back what a firewall's reload, or whoever else, took away from the containers of this host.</summary>
public static class ReconcileTool
{
    /// <summary>What it is called by.</summary>
    public const string Name = "cni-reconcile";

    private const int Differs = 1;
    private const int Misused = 2;
    private const int Failed = 3;

    private const string Usage = $"""
        usage: {Name} [--check]

        Compares what the CNI plugins of this host have noted with nftables, iptables and kernel parameters, and puts back what is missing:
        published ports, isolation, masquerading. What is in its place is not touched, connections under way go on.

          --check   changes nothing; says what differs, and exits with 1 if anything does
          --help    this text

        The variable CNI_PLUGINS_CONFIG names the host-wide file, as for the plugins.
        Exit: 0 everything is in place (now), 1 something differs (--check), 2 wrong arguments, 3 it could not be done.

        """;

    /// <summary>Runs it in the calling thread's namespace, and says what it did.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(INetlinkSockets sockets, string[] arguments, CniEnvironment environment)
    {
        switch (arguments)
        {
            case []:
                return Run(sockets, environment, check: false);
            case ["--check"]:
                return Run(sockets, environment, check: true);
            case ["--help"] or ["-h"]:
                Print(environment.Output, Usage);
                return 0;
            default:
                Print(environment.Error, Usage);
                return Misused;
        }
    }

    private static int Run(INetlinkSockets sockets, CniEnvironment environment, bool check)
    {
        try
        {
            using Host host = Host.Open(sockets, environment);
            ReconcileReport report = check ? Reconciliation.Inspect(host) : Reconciliation.Repair(host);
            foreach (string warning in report.Warnings)
            {
                environment.Warn(Plain($"passed over: {warning}"));
            }

            StringBuilder text = new();
            foreach (string difference in report.Differences)
            {
                text.Append(Plain(check ? difference : $"put right: {difference}")).Append('\n');
            }

            Print(environment.Output, text.Length > 0 ? text.ToString() : "nothing to do\n");
            return check && report.Differences.Count > 0 ? Differs : 0;
        }
        catch (CniException e)
        {
            environment.Warn(e.Details is null ? $"{Name}: {e.Message}" : $"{Name}: {e.Message} ({e.Details})");
        }
        catch (IOException e)
        {
            environment.Warn($"{Name}: {e.Message}");
        }

        return Failed;
    }

    /// <summary>A line, without what a state file could send to an operator's terminal.</summary>
    private static string Plain(string line) => string.Create(line.Length, line, static (plain, line) =>
    {
        for (int i = 0; i < line.Length; i++)
        {
            plain[i] = char.IsControl(line[i]) ? ' ' : line[i];
        }
    });

    private static void Print(Stream stream, string text)
    {
        stream.Write(Encoding.UTF8.GetBytes(text));
        stream.Flush();
    }
}
