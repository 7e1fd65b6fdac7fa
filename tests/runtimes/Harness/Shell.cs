using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.RuntimeTests.Harness;

/// <summary>A container of <see cref="BoxImage"/>, as its runtime lets one run commands in it.</summary>
internal sealed class Shell(Func<string[], ToolResult> execute)
{
    private readonly Func<string[], ToolResult> _execute = execute;

    /// <summary>Runs a command, which must succeed.</summary>
    internal string Run(params string[] words)
    {
        ToolResult result = _execute(words);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException(result.ToString());
    }

    /// <summary>The address of a family ("inet", "inet6") on a link.</summary>
    internal string Address(string family, string link = "eth0") => BoxImage.Address(Run(BoxImage.AddressCommand), family, link);

    internal bool Pings(string address) => _execute(["ping", "-c", "1", "-W", "2", address]).ExitCode == 0;

    /// <summary>Asks another container's page: "NAME ADDRESS", or nothing.</summary>
    internal string Page(string address)
    {
        ToolResult result = _execute(RuntimeHost.PageCommand(address, 80));
        return result.ExitCode == 0 ? RuntimeHost.Seen(result.Output) : "";
    }

    /// <summary>By ICMP and TCP over both families; the other sees this one's own addresses, or whatever the test says.</summary>
    internal void AssertReaches(string server, (string V4, string V6) addresses, (string V4, string V6) seen)
    {
        Assert.True(Pings(addresses.V4), addresses.V4);
        Assert.True(Pings(addresses.V6), addresses.V6);
        Wait.Until($"{server} serves", () => Page(addresses.V4).Length > 0);
        Assert.Equal($"{server} {seen.V4}", Page(addresses.V4));
        Assert.Equal($"{server} {seen.V6}", Page(addresses.V6));
    }

    /// <summary>The host's neighbour answers over both families, and sees the host.</summary>
    internal void AssertWayOut(Netns lan)
    {
        using TcpEcho server4 = new(lan, 8000);
        using TcpEcho server6 = new(lan, 8000, "::");
        Assert.Equal($"lan {TestHost.Address4}", Run("nc", "-w", "2", TestHost.LanAddress4, "8000").Trim());
        Assert.Equal($"lan {TestHost.Address6}", Run("nc", "-w", "2", TestHost.LanAddress6, "8000").Trim());
    }
}
