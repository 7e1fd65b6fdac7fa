namespace CniPlugins.Bench;

/// <summary>
/// Ports that other containers of a host publish. Ours come by real ADDs. With the reference those would take minutes, so it gets the rules alone that its ADD
/// makes, and a real one is looked at first: <see cref="Verify"/>.
/// </summary>
internal sealed class OtherPorts(BenchHost host, Shape shape)
{
    private const int OfOurs = 1_000;
    private const int OfPeers = 10;
    private const int StartPort = 20_000;

    private int _count;

    /// <summary>More of them.</summary>
    public void Raise(int count)
    {
        if (!host.Contender.NeedsPortmap)
        {
            for (; _count < count; _count += Math.Min(OfOurs, count - _count))
            {
                host.Add(host.MakeSandbox(), shape with { StartPort = StartPort + _count, Ports = Math.Min(OfOurs, count - _count) });
            }

            return;
        }

        List<RuleText> rules = [];
        for (; _count < count; _count += OfPeers)
        {
            int number = _count / OfPeers;
            rules.AddRange(Rules($"other{number:D5}", $"10.88.{200 + (number / 200)}.{1 + (number % 200)}", $"CNI-DN-{number:D21}", StartPort + _count));
        }

        if (rules.Count > 0)
        {
            Load(rules);
        }
    }

    /// <summary>Whether one real ADD makes the rules that are written here.</summary>
    /// <exception cref="BenchException">It makes others.</exception>
    public void Verify()
    {
        if (!host.Contender.NeedsPortmap)
        {
            return;
        }

        Sandbox sandbox = host.MakeSandbox();
        Shape real = shape with { StartPort = StartPort, Ports = OfPeers };
        host.Add(sandbox, real);
        string[] lines = IsNftables
            ? host.Tool("/usr/sbin/nft", "list", "table", "ip", "cni_hostport").Split('\n')
            : host.Tool("/usr/sbin/iptables-save", "-t", "nat").Split('\n');
        string own = Array.Find(lines, line => line.Contains(sandbox.ContainerId, StringComparison.Ordinal)) ?? throw new BenchException("the reference publishes nothing");
        string mark = IsNftables ? sandbox.ContainerId : own.Split(' ')[^1];
        string found = Sorted(lines.Where(line => line.Contains(mark, StringComparison.Ordinal) && !line.StartsWith(':')).Select(static line => line.Trim()));
        string expected = Sorted(Rules(sandbox.ContainerId, sandbox.Addresses[0], mark, StartPort)
            .Select(rule => IsNftables ? rule.Text : $"-A {rule.Chain} {rule.Text}"));
        if (found != expected)
        {
            throw new BenchException($"{host.Contender.Name} makes\n{found}\ninstead of\n{expected}");
        }

        host.Delete(sandbox, real);

        static string Sorted(IEnumerable<string> all) => string.Join('\n', all.Order(StringComparer.Ordinal));
    }

    private bool IsNftables => host.Contender.Backend == "nftables";

    private IEnumerable<RuleText> Rules(string id, string address, string chain, int start) => IsNftables ? Nftables(id, address, start) : Iptables(id, address, chain, start);

    private static IEnumerable<RuleText> Nftables(string id, string address, int start)
    {
        for (int port = start; port < start + OfPeers; port++)
        {
            yield return new RuleText("hostports", $"tcp dport {port} dnat to {address}:{port - Shape.PortShift} comment \"{id}\"");
        }

        yield return new RuleText("masquerading", $"ip saddr {address} ip daddr {address} masquerade comment \"{id}\"");
        yield return new RuleText("masquerading", $"ip saddr 127.0.0.1 ip daddr {address} masquerade comment \"{id}\"");
    }

    private static IEnumerable<RuleText> Iptables(string id, string address, string chain, int start)
    {
        for (int port = start; port < start + OfPeers; port++)
        {
            yield return new RuleText(chain, $"-s 10.88.0.0/16 -p tcp -m tcp --dport {port} -j CNI-HOSTPORT-SETMARK");
            yield return new RuleText(chain, $"-s 127.0.0.1/32 -p tcp -m tcp --dport {port} -j CNI-HOSTPORT-SETMARK");
            yield return new RuleText(chain, $"-p tcp -m tcp --dport {port} -j DNAT --to-destination {address}:{port - Shape.PortShift}");
        }

        string ports = string.Join(',', Enumerable.Range(start, OfPeers));
        yield return new RuleText(
            "CNI-HOSTPORT-DNAT",
            $"""-p tcp -m comment --comment "dnat name: \"bench\" id: \"{id}\"" -m multiport --dports {ports} -j {chain}""");
    }

    private void Load(List<RuleText> rules)
    {
        if (IsNftables)
        {
            host.Tool(["/usr/sbin/nft", "-f", "-"], string.Join('\n', rules.Select(static rule => $"add rule ip cni_hostport {rule.Chain} {rule.Text}")) + "\n");
            return;
        }

        IEnumerable<string> chains = rules.Select(static rule => rule.Chain).Distinct().Where(static chain => chain != "CNI-HOSTPORT-DNAT").Select(static chain => $":{chain} - [0:0]");
        host.Tool(
            ["/usr/sbin/iptables-restore", "--noflush"],
            $"*nat\n{string.Join('\n', chains)}\n{string.Join('\n', rules.Select(static rule => $"-A {rule.Chain} {rule.Text}"))}\nCOMMIT\n");
    }

    private readonly record struct RuleText(string Chain, string Text);
}
