using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class CniArgsTests
{
    private const string Kubernetes =
        "K8S_POD_UID=u;IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=abc";

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("IP=10.0.0.5", "10.0.0.5")]
    [InlineData("IP=", "")]
    [InlineData("IP=1;IP=2", "2")]
    [InlineData("IgnoreUnknown=0;IP=x", "x")]
    [InlineData("IgnoreUnknown=TRUE;ip=x;Other=y", null)]
    public void Known_keys_are_found_by_their_exact_name(string? text, string? value)
    {
        CniArgs args = new(text);
        args.RequireKnown("IP", "GATEWAY");
        Assert.Equal(value, args.Find("IP"));
    }

    [Theory]
    [InlineData("IP")]
    [InlineData("IP=1;")]
    [InlineData(";IP=1")]
    [InlineData("IP=a=b")]
    [InlineData("MAC=1")]
    [InlineData("ip=1")]
    [InlineData("IgnoreUnknown=maybe")]
    [InlineData("IgnoreUnknown=0;MAC=1")]
    public void What_is_malformed_or_unknown_is_4_and_named(string text)
    {
        CniException e = Assert.Throws<CniException>(() => new CniArgs(text).RequireKnown("IP"));
        Assert.Equal(CniErrorCode.InvalidEnvironment, e.Code);
        Assert.StartsWith("CNI_ARGS: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kubernetes_arguments_are_ignored_in_any_order()
    {
        CniArgs args = new(Kubernetes);
        args.RequireKnown("IP");
        Assert.Equal("web", args.Find("K8S_POD_NAME"));
        Assert.Equal(Kubernetes, args.Text);
    }
}
