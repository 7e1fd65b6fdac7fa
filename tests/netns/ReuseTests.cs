using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>A container at an address that another one had a moment ago is reached by the first packet.</summary>
public sealed class ReuseTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("10.1.0.0/24", "10.1.0.77", "0.0.0.0", false)]
    [InlineData("10.1.0.0/24", "10.1.0.77", "0.0.0.0", true)]
    [InlineData("fd00:1::/64", "fd00:1::77", "::", false)]
    [InlineData("fd00:1::/64", "fd00:1::77", "::", true)]
    public void Host_and_neighbour_reach_it_at_once(string subnet, string address, string any, bool orderly)
    {
        string network = BridgeNet.Of(subnet);
        CniOptions sameAddress = new() { Arguments = $"IgnoreUnknown=1;IP={address}" };
        using Container neighbour = _host.Container("neighbour");
        neighbour.Add("bridge", network);
        for (int round = 1; round <= 5; round++)
        {
            Container container = _host.Container($"round{round}");
            Assert.Equal(address, container.Add("bridge", network, sameAddress).Address(v6: address.Contains(':', StringComparison.Ordinal)));
            using TcpEcho server = new(container.Netns, 80, any);

            Assert.Equal($"round{round}", Reach.Tcp(_host.Netns, address, 80).Server);
            Assert.Equal($"round{round}", Reach.Tcp(neighbour.Netns, address, 80).Server);
            container.Delete("bridge", network, orderly ? null : new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        }
    }

    [Fact]
    public void Traffic_to_a_port_published_by_its_successor()
    {
        string network = BridgeNet.Of();
        for (int round = 1; round <= 3; round++)
        {
            Container container = _host.Container($"round{round}");
            CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0")) with { Arguments = "IgnoreUnknown=1;IP=10.1.0.77" };
            container.Add("bridge", network, options);
            using TcpEcho server = new(container.Netns, 80);

            Assert.Equal($"round{round}", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
            Assert.Equal($"round{round}", Reach.Tcp(_host.Netns, TestHost.Address4, 8080).Server);
            container.Delete("bridge", network);
        }
    }
}
