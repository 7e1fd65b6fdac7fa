using System.Net;
using System.Net.Sockets;
using System.Text;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>Who reaches a published port, and the elements that say so.</summary>
public sealed class PublishConditionsTests
{
    private static readonly PublishedPort s_any = Port("0.0.0.0");
    private static readonly PublishedPort s_one = Port("192.0.2.1");

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("127.255.255.255", "192.0.2.1", true)]
    [InlineData("128.0.0.0", "127.0.0.1", false)]
    [InlineData("10.0.0.9", "10.0.0.9", true)]
    [InlineData("10.0.0.8", "10.0.0.9", false)]
    [InlineData("::1", "::1", true)]
    public void Conditions_speak_of_one_family(string source, string destination, bool passes) =>
        Assert.Equal(passes, Of(["127.0.0.0/8", "10.0.0.9"]).Admits(IPAddress.Parse(source), IPAddress.Parse(destination)));

    [Fact]
    public void Whoever_passes_both_passes()
    {
        PublishConditions both = Of(["10.0.0.0/8"]).And(Of(["10.1.0.0/16", "192.0.2.0/24"], ["192.0.2.1"])).And(new(AddressFamily.InterNetwork, null, null));

        Assert.Equal(["10.1.0.0-10.1.255.255"], both.Sources!.Select(static span => span.ToString()));
        Assert.Equal(["192.0.2.1"], both.Destinations!.Select(static span => span.ToString()));
        Assert.Empty(Of(["10.0.0.0/8"]).And(Of(["192.0.2.0/24"])).Sources!);
    }

    [Fact]
    public void What_is_refused_and_what_is_admitted_are_everything_and_never_both()
    {
        string[] addresses = ["0.0.0.0", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "127.0.0.1", "192.0.2.1", "192.0.2.2", "255.255.255.255"];
        foreach (PublishConditions conditions in new[]
        {
            Of([]), Of(["10.0.0.0/8"]), Of(["10.0.0.0/8", "192.0.2.1"]), Of(["0.0.0.0/0"]), Of(null, ["192.0.2.1"]),
            Of(["10.0.0.0/8", "10.1.0.0/16"], ["127.0.0.0/8"]), Of(["10.0.0.0/8"], ["10.0.0.0/8", "192.0.2.1"]),
        })
        {
            foreach (PublishedPort port in new[] { s_any, s_one })
            {
                RuleElement[] refused = [.. conditions.Refuse(port, "web")];
                foreach (string source in addresses)
                {
                    foreach (string destination in port == s_any ? addresses : ["192.0.2.1"])
                    {
                        int hits = refused.Count(element => IsIn(element, source, destination));
                        Assert.Equal(conditions.Admits(IPAddress.Parse(source), IPAddress.Parse(destination)) ? 0 : 1, hits);
                    }
                }

                Assert.DoesNotContain(refused, element => port == s_one && IsIn(element, source: "", destination: "192.0.2.2"));
            }
        }
    }

    [Fact]
    public void A_list_is_its_own_entrys_and_one_without_a_family_lets_nobody_of_it_in()
    {
        IReadOnlyList<PortMapping> mappings = Read("""
            [{"hostPort":8080,"containerPort":80,"allow":["127.0.0.1"]},{"hostPort":8081,"containerPort":80},
             {"hostPort":8080,"containerPort":80,"protocol":"udp","allow":["fd00::/8"]}]
            """);

        Assert.True(Admits(mappings[0], "127.0.0.1"));
        Assert.False(Admits(mappings[0], "10.1.0.3"));
        Assert.True(Admits(mappings[1], "10.1.0.3"));
        Assert.Empty(mappings[1].Conditions);
        Assert.False(Admits(mappings[2], "127.0.0.1"));
    }

    /// <summary>What a port's own list and the network's conditions say together, as the elements carry it out.</summary>
    [Theory]
    [InlineData("10.0.0.7", true)]
    [InlineData("10.0.0.9", false)]
    [InlineData("192.0.2.1", false)]
    public void A_port_lets_pass_whom_its_list_and_the_networks_conditions_let_pass(string source, bool passes)
    {
        PublishedPort port = Port("192.0.2.1");
        PortChoice choice = new([port], new Dictionary<PublishedPort, PublishConditions> { [port] = Of(["10.0.0.0/8"]) });

        IEnumerable<RuleElement> refused = choice.Refuse(port, [Of(["10.0.0.0/29", "192.0.2.0/24"])], "net1/c1/eth0");

        Assert.NotEqual(passes, refused.Any(element => PolicyElements.Refuses(element, port, IPAddress.Parse(source), port.HostAddress)));
    }

    private static bool Admits(PortMapping mapping, string source) =>
        mapping.Conditions.All(each => each.Admits(IPAddress.Parse(source), IPAddress.Loopback));

    private static IReadOnlyList<PortMapping> Read(string mappings) => PortMapping.Read(NetworkConfig.Parse(Encoding.UTF8.GetBytes(
        $$"""{"cniVersion":"1.1.0","name":"net1","type":"bridge","runtimeConfig":{"portMappings":{{mappings}} } }""")).RuntimeConfig);

    private static PublishedPort Port(string address) => new(IPAddress.Parse(address), 8080, PortProtocol.Tcp, IPAddress.Parse("10.1.0.2"), 80);

    private static PublishConditions Of(string[]? sources, string[]? destinations = null) =>
        new(AddressFamily.InterNetwork, sources?.Select(Span).ToArray(), destinations?.Select(Span).ToArray());

    private static AddressSpan Span(string text) => AddressSpan.TryParse(text, out AddressSpan span) ? span : throw new FormatException(text);

    /// <summary>Bytes 0 to 3 of a key are the source, 4 to 7 the destination; an empty text stands for whatever there is.</summary>
    private static bool IsIn(RuleElement element, string source, string destination) =>
        (source.Length == 0 || IsBetween(element, 0, source)) && (destination.Length == 0 || IsBetween(element, 4, destination));

    private static bool IsBetween(RuleElement element, int offset, string address)
    {
        byte[] bytes = IPAddress.Parse(address).GetAddressBytes();
        return element.Element.Key.AsSpan(offset, 4).SequenceCompareTo(bytes) <= 0 && element.Element.KeyEnd.AsSpan(offset, 4).SequenceCompareTo(bytes) >= 0;
    }
}
