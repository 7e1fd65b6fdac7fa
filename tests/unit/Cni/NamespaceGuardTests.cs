using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class NamespaceGuardTests
{
    private const string Own = "/proc/thread-self/ns/net";

    [Fact]
    public void Add_in_the_callers_own_namespace_is_8_before_anything_is_done()
    {
        Call call = new Call("ADD").Set("CNI_NETNS", Own).Fails(8);
        Assert.Empty(call.Plugin.Calls);
        Assert.Contains(Own, call.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Delete_in_the_callers_own_namespace_cleans_up_without_it_and_is_8()
    {
        Call call = new Call("DEL").Set("CNI_NETNS", Own).Fails(8);
        Assert.Equal([CniVerb.Delete], call.Plugin.Calls);
        Assert.Null(call.Plugin.Request!.NetnsPath);
        Assert.Equal("c1", call.Plugin.Request.Attachment.ContainerId);
    }

    [Theory]
    [InlineData("1", 0)]
    [InlineData("true", 0)]
    [InlineData("TRUE", 0)]
    [InlineData("0", 8)]
    [InlineData("yes", 8)]
    public void The_override_lifts_the_guard(string value, int code)
    {
        foreach (string verb in new[] { "ADD", "DEL" })
        {
            Call call = new Call(verb).Set("CNI_NETNS", Own).Set("CNI_NETNS_OVERRIDE", value);
            _ = code == 0 ? call.Succeeds() : call.Fails(code);
        }
    }

    [Fact]
    public void A_plugin_that_shares_the_hosts_namespace_is_let_in_and_needs_no_netns()
    {
        foreach (string? netns in new[] { Own, "", null })
        {
            Call call = new("ADD");
            call.Plugin.Shares = true;
            call.Set("CNI_NETNS", netns).Succeeds();
            Assert.Equal(string.IsNullOrEmpty(netns) ? null : netns, call.Plugin.Request!.NetnsPath);
        }
    }

    [Theory]
    [InlineData("/nowhere/ns")]
    [InlineData("/etc/passwd")]
    [InlineData("/")]
    public void A_path_that_is_no_namespace_is_left_to_the_plugin(string path)
    {
        new Call("ADD").Set("CNI_NETNS", path).Succeeds();
        new Call("DEL").Set("CNI_NETNS", path).Succeeds();
    }
}
