using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

/// <summary>A plugin that notes what it was asked, and answers as told.</summary>
internal sealed class FakePlugin : Plugin
{
    public List<CniVerb> Calls { get; } = [];

    public CniRequest? Request { get; private set; }

    public AddResult Result { get; set; } = new();

    public Exception? Failure { get; set; }

    public bool Shares { get; set; }

    public IReadOnlyList<CniVersion> Spoken { get; set; } = CniVersion.Supported;

    public override string Type => "fake";

    public override bool SharesHostNamespace => Shares;

    public override IReadOnlyList<CniVersion> Versions => Spoken;

    public override AddResult Add(CniRequest request)
    {
        Note(request, CniVerb.Add);
        return Result;
    }

    public override void Delete(CniRequest request) => Note(request, CniVerb.Delete);

    public override void Check(CniRequest request) => Note(request, CniVerb.Check);

    public override void Status(CniRequest request) => Note(request, CniVerb.Status);

    public override void Gc(CniRequest request) => Note(request, CniVerb.Gc);

    private void Note(CniRequest request, CniVerb verb)
    {
        Calls.Add(verb);
        Request = request;
        if (Failure is not null)
        {
            throw Failure;
        }
    }
}
