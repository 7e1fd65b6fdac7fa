using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The reference plugins through the same harness: it must be right about them before it may judge ours.</summary>
public sealed class ReferencePluginsTests
{
    private const string Bridge = """
        {"cniVersion":"1.0.0","name":"ref","type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,
         "ipam":{"type":"host-local","subnet":"10.88.0.0/16","routes":[{"dst":"0.0.0.0/0"}]}}
        """;

    [Fact]
    public void Bridge_adds_an_interface_and_takes_everything_back()
    {
        RequireReference();
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using Container first = host.Container("first");
        using Container container = host.Container("web");
        first.Add("bridge", Bridge);   // the bridge and the tables stay, so the world to compare with has them
        first.Delete("bridge", Bridge);
        World before = World.Of(host);

        CniCall add = container.Add("bridge", Bridge);

        Assert.Equal(add.Addresses[0].Split('/')[0], container.Netns.Ip("-j -4 address show eth0")[0].GetProperty("addr_info")[0].Text("local"));
        Assert.True(container.Netns.Ping(TestHost.LanAddress4));
        Assert.Contains("[files] var/lib/cni/networks/ref/" + add.Address(), World.Of(host).Difference(before), StringComparison.Ordinal);
        container.Check("bridge", Bridge);
        container.Delete("bridge", Bridge);
        World.Of(host).AssertEqual(before);
    }

    [Fact]
    public void Portmap_in_a_list_publishes_a_port()
    {
        RequireReference();
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using Container container = host.Container("web");
        string list = $$"""{"cniVersion":"1.0.0","name":"ref","plugins":[{{Bridge}},{"type":"portmap","capabilities":{"portMappings":true} } ] }""";
        CniOptions options = new() { RuntimeConfig = """{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}""" };

        container.AddList(list, options);
        using TcpEcho server = new(container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(host.Lan, TestHost.Address4, 8080).Server);
        container.DeleteList(list, options);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(host.Lan, TestHost.Address4, 8080).Outcome);
    }

    [Fact]
    public void An_error_is_read_with_its_code()
    {
        RequireReference();
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using Container container = host.Container("web");
        World before = World.Of(host);

        CniCall call = container.TryAdd("bridge", """{"cniVersion":"9.9.9","name":"ref","type":"bridge"}""").RequireError(1);

        Assert.Contains("9.9.9", call.Message + call.Details, StringComparison.Ordinal);
        World.Of(host).AssertEqual(before);
    }

    private static void RequireReference() =>
        Assert.SkipUnless(File.Exists(TestHost.ReferenceBinaries + "/bridge"), "package containernetworking-plugins is not installed");
}
