namespace CniPlugins.Cni;

/// <summary>The error object. It has no cniVersion: the specification lists one, the reference has never written it.</summary>
internal static class ErrorText
{
    internal static byte[] Write(CniException error)
    {
        GoJsonWriter writer = new();
        writer.BeginObject();
        writer.Key("code");
        writer.Number((long)error.Code);
        writer.Key("msg");
        writer.String(error.Message);
        writer.Member("details", error.Details);
        writer.EndObject();
        return writer.ToBytes();
    }
}
