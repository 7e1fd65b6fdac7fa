using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class NamesTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("57", true)]
    [InlineData("default-web_1.x", true)]
    [InlineData("", false)]
    [InlineData(".a", false)]
    [InlineData("_a", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("a\0", false)]
    [InlineData("٣", false)]
    public void Identifiers(string text, bool valid)
    {
        Assert.Equal(valid, CniNames.IsContainerId(text));
        Assert.Equal(valid, CniNames.IsNetworkName(text));
    }

    [Theory]
    [InlineData("eth0", true)]
    [InlineData("123456789012345", true)]
    [InlineData("...", true)]
    [InlineData("eth0.100", true)]
    [InlineData("ééééééé", true)]
    [InlineData("éééééééé", false)]
    [InlineData("", false)]
    public void Interface_names(string text, bool valid) => Assert.Equal(valid, CniNames.IsInterfaceName(text));

    [Theory]
    [InlineData("0.4.0", true)]
    [InlineData("1.10.0", true)]
    [InlineData("1.0", false)]
    [InlineData("1.0.0 ", false)]
    [InlineData("+1.0.0", false)]
    [InlineData("1.00.0", false)]
    [InlineData("1.0.99999999999", false)]
    public void Versions(string text, bool valid) => Assert.Equal(valid ? text : null, CniVersion.Find(text)?.ToString());

    [Fact]
    public void Versions_are_ordered_by_number()
    {
        Assert.True(CniVersion.Parse("1.10.0") > CniVersion.Parse("1.9.0"));
        Assert.True(CniVersion.Parse("0.4.0") < CniVersion.Parse("1.0.0"));
        Assert.Equal(CniVersion.Newest, CniVersion.Supported[^1]);
        Assert.Equal(CniErrorCode.IncompatibleVersion, Assert.Throws<CniException>(() => CniVersion.Parse("x")).Code);
    }
}
