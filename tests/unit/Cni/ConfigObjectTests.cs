using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class ConfigObjectTests
{
    [Fact]
    public void Keys_match_in_any_case_and_the_last_one_wins()
    {
        ConfigObject root = Parse("""{"BRIDGE":"x","bridge":"y","Bridge":"z","RuntimeConfig":{"bandWidth":{"INGRESSRATE":5}}}""");
        Assert.Equal("z", root.FindString("bridge"));
        Assert.Equal(5, root.FindObject("runtimeConfig")!.FindObject("bandwidth")!.FindInt32("ingressRate"));
        Assert.Equal(["BRIDGE", "bridge", "Bridge", "RuntimeConfig"], root.Keys);
    }

    [Fact]
    public void Null_and_missing_are_absent()
    {
        ConfigObject root = Parse("""{"s":null,"o":null,"a":null,"n":null,"b":null,"kept":1,"KEPT":null}""");
        Assert.Null(root.FindString("s"));
        Assert.Null(root.FindObject("o"));
        Assert.Null(root.FindArray("a"));
        Assert.Null(root.FindInt32("n"));
        Assert.Null(root.FindBool("b"));
        Assert.Null(root.FindStrings("missing"));
        Assert.False(root.Has("s"));
        Assert.Equal(1, root.FindInt32("kept"));
    }

    [Theory]
    [InlineData("""{"ipam":{"ranges":[[{"subnet":5}]]}}""", "ipam.ranges[0][0].subnet: expected a string, found a number")]
    [InlineData("""{"ipam":{"ranges":[[5]]}}""", "ipam.ranges[0][0]: expected an object, found a number")]
    [InlineData("""{"ipam":{"ranges":[null]}}""", "ipam.ranges[0]: expected an array, found null")]
    [InlineData("""{"ipam":{"ranges":{}}}""", "ipam.ranges: expected an array, found an object")]
    [InlineData("""{"ipam":"x"}""", "ipam: expected an object, found a string")]
    public void A_wrong_type_names_its_path(string text, string message)
    {
        CniException e = Assert.Throws<CniException>(() =>
            Parse(text).FindObject("ipam")!.FindArray("ranges")!.GetArray(0).GetObject(0).FindString("subnet"));
        Assert.Equal(CniErrorCode.DecodingFailure, e.Code);
        Assert.Equal(message, e.Message);
    }

    [Theory]
    [InlineData("\"1500\"", 6)]
    [InlineData("1500.0", 6)]
    [InlineData("15e2", 6)]
    [InlineData("true", 6)]
    [InlineData("99999999999999999999", 6)]
    [InlineData("67", 7)]
    [InlineData("65536", 7)]
    [InlineData("-1", 7)]
    public void Numbers_are_strict_and_bounded(string value, int code)
    {
        CniException e = Assert.Throws<CniException>(() => Parse($$"""{"mtu":{{value}}}""").FindInt32("mtu", 68, 65535));
        Assert.Equal(code, (int)e.Code);
        Assert.StartsWith("mtu: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_have_64_bits()
    {
        ConfigObject root = Parse("""{"egressBurst":34359738359,"big":9007199254740993}""");
        Assert.Equal(34359738359, root.FindInt64("egressBurst", 0));
        Assert.Equal(9007199254740993, root.FindInt64("big"));
        Assert.Equal(7, (int)Assert.Throws<CniException>(() => root.FindInt32("egressBurst")).Code);
    }

    [Theory]
    [InlineData("\"true\"")]
    [InlineData("1")]
    [InlineData("{}")]
    public void Only_booleans_are_booleans(string value) =>
        Assert.Equal(6, (int)Assert.Throws<CniException>(() => Parse($$"""{"isGateway":{{value}}}""").FindBool("isGateway")).Code);

    [Theory]
    [InlineData("\\ud800", "\uFFFD")]
    [InlineData("\\udc00", "\uFFFD")]
    [InlineData("\\uD83D\\uDE00", "\U0001F600")]
    [InlineData("\\uD83D\\uD83D\\uDE00", "\uFFFD\U0001F600")]
    [InlineData("\\\\ud800", "\\ud800")]
    [InlineData("\\uD83Dx", "\uFFFDx")]
    public void Lone_surrogates_are_replaced_in_keys_and_values(string escaped, string text)
    {
        ConfigObject root = Parse($$"""{"{{escaped}}":"{{escaped}}"}""");
        Assert.Equal([text], root.Keys);
        Assert.Equal(text, root.FindString(text));
    }

    [Theory]
    [InlineData("""{"a":1,}""")]
    [InlineData("""{"a":"\ud8"}""")]
    [InlineData("""{"a":"\x"}""")]
    [InlineData("{\"a\":\"\n\"}")]
    [InlineData("\uFEFF{}")]
    public void What_is_not_json_is_6_and_says_where(string text)
    {
        CniException e = Assert.Throws<CniException>(() => Parse(text));
        Assert.Equal(CniErrorCode.DecodingFailure, e.Code);
        Assert.Contains("line", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_array_gives_its_items_by_type()
    {
        ConfigObject root = Parse("""{"a":["x",5,[1],{"k":"v"}],"s":["1","2"],"o":[{"n":1},{"n":2}]}""");
        ConfigArray array = root.FindArray("a")!;
        Assert.Equal(4, array.Count);
        Assert.Equal("x", array.GetString(0));
        Assert.Equal(5, array.GetInt64(1, 0, 10));
        Assert.Equal(1, array.GetArray(2).GetInt64(0));
        Assert.Equal("a[3].k", array.GetObject(3).PathOf("k"));
        Assert.Equal(["1", "2"], root.FindStrings("s")!);
        Assert.Equal(2, root.FindObjects("o")![1].FindInt32("n"));
        Assert.Equal("""{"n":1}""", root.FindObjects("o")![0].RawText);
    }

    private static ConfigObject Parse(string text) => ConfigText.ParseObject(Encoding.UTF8.GetBytes(text), "the text");
}
