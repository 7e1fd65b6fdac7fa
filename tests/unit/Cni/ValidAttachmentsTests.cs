using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class ValidAttachmentsTests
{
    private const string One = """[{"containerID":"a","ifname":"eth0"}]""";

    [Theory]
    [InlineData("null", "null", 0)]
    [InlineData("[]", "[]", 0)]
    [InlineData("[]", "null", 0)]
    [InlineData(One, One, 1)]
    [InlineData(One, "null", 1)]
    [InlineData("null", One, 1)]
    [InlineData(One, """[{"CONTAINERID":"b","IfName":"eth0"},{"containerID":"a","ifname":"eth1"}]""", 3)]
    public void Both_keys_are_united(string valid, string attachments, int count) =>
        Assert.Equal(count, Read($$"""{"cni.dev/attachments":{{attachments}},"cni.dev/valid-attachments":{{valid}}}""").Count);

    [Fact]
    public void Absent_keys_mean_none() => Assert.Empty(Read("{}"));

    [Theory]
    [InlineData("{}", 6)]
    [InlineData("[null]", 6)]
    [InlineData("[\"a\"]", 6)]
    [InlineData("""[{"containerID":5,"ifname":"eth0"}]""", 6)]
    [InlineData("""[{"containerID":"a"}]""", 7)]
    [InlineData("""[{"ifname":"eth0"}]""", 7)]
    [InlineData("""[{"containerID":"../a","ifname":"eth0"}]""", 7)]
    [InlineData("""[{"containerID":"a","ifname":"e/0"}]""", 7)]
    public void A_malformed_list_stops_gc(string list, int code)
    {
        Call call = new Call("GC").With($$"""{"cniVersion":"1.1.0","name":"n","cni.dev/valid-attachments":{{list}}}""").Fails(code);
        Assert.Empty(call.Plugin.Calls);
    }

    [Fact]
    public void Gc_gets_the_list()
    {
        Call call = new Call("GC").With($$"""{"cniVersion":"1.1.0","name":"n","cni.dev/valid-attachments":{{One}}}""").Succeeds();
        Assert.Equal([("a", "eth0")], call.Plugin.Request!.ValidAttachments);
        Assert.Equal(new AttachmentId("n", "", ""), call.Plugin.Request.Attachment);
    }

    private static IReadOnlyList<(string, string)> Read(string text) =>
        ValidAttachments.Read(ConfigText.ParseObject(Encoding.UTF8.GetBytes(text), "the text"));
}
