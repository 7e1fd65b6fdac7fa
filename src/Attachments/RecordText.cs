using System.Globalization;
using System.Net;
using System.Text.Json;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>The JSON of a record and of a rule element.</summary>
internal static class RecordText
{
    private const string ElementsOfPorts = "elementsOfPorts";

    public static byte[] Write(AttachmentRecord record) => Write(writer =>
    {
        writer.Member("network", record.Attachment.Network);
        writer.Member("containerId", record.Attachment.ContainerId);
        writer.Member("ifName", record.Attachment.IfName);
        writer.Member("part", record.Part);
        writer.Member("bootId", record.BootId);
        writer.Key("complete");
        writer.Boolean(record.IsComplete);
        writer.Key("netnsDevice");
        writer.Number(record.Namespace.Device);
        writer.Key("netnsInode");
        writer.Number(record.Namespace.Inode);
        writer.Member("netnsPath", record.NamespacePath);
        writer.Member("linkKind", record.LinkKind);
        writer.Member("bridge", record.Bridge);
        writer.Member("device", record.Device);
        writer.Member("forwarded", record.Forwarded);
        writer.Member("cgroup", record.Cgroup);
        writer.Member("adminChain", record.AdminChain);
        writer.Member("addresses", record.Addresses, static (writer, address) => writer.String(address.ToString()));
        writer.Member("ports", record.Ports, static (writer, port) => writer.String(Format(port)));
        IReadOnlyList<RuleElement> elements = ListWritten(record);
        writer.Member(ElementsOfPorts, ReferenceEquals(elements, record.Elements) ? null : 1);
        writer.Member("elements", elements, static (writer, element) =>
        {
            writer.BeginObject();
            WriteElement(writer, element);
            writer.EndObject();
        });
        WriteSaved(writer, record.Saved);
    });

    public static byte[] Write(RuleElement element) => Write(writer => WriteElement(writer, element));

    /// <summary>Reads a record; null when it cannot be read: cut short by a crash, or not ours.</summary>
    public static AttachmentRecord? TryReadRecord(ReadOnlyMemory<byte> text) => TryRead(text, static root => WithPublished(root, new AttachmentRecord
    {
        Attachment = new AttachmentId(String(root, "network"), String(root, "containerId"), String(root, "ifName")),
        Part = FindString(root, "part"),
        BootId = String(root, "bootId"),
        IsComplete = root.GetProperty("complete").GetBoolean(),
        Namespace = new NamespaceIdentity(root.GetProperty("netnsDevice").GetUInt64(), root.GetProperty("netnsInode").GetUInt64()),
        NamespacePath = FindString(root, "netnsPath"),
        LinkKind = FindString(root, "linkKind"),
        Bridge = FindString(root, "bridge"),
        Device = FindString(root, "device"),
        Forwarded = FindString(root, "forwarded"),
        Cgroup = FindString(root, "cgroup"),
        AdminChain = FindString(root, "adminChain"),
        Addresses = [.. Items(root, "addresses").Select(static item => IPAddress.Parse(item.GetString()!))],
        Ports = [.. Items(root, "ports").Select(ReadPort)],
        Elements = [.. Items(root, "elements").Select(ReadElement)],
        Saved = ReadSaved(root),
    }));

    /// <summary>Reads a rule element; null when it cannot be read.</summary>
    public static RuleElement? TryReadElement(ReadOnlyMemory<byte> text) => TryRead(text, ReadElement);

    private static T? TryRead<T>(ReadOnlyMemory<byte> text, Func<JsonElement, T> read)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or OverflowException)
        {
            return null;   // the caller treats it as a record of which only the name is known
        }
    }

    private static byte[] Write(Action<GoJsonWriter> content)
    {
        GoJsonWriter writer = new();
        writer.BeginObject();
        content(writer);
        writer.EndObject();
        return writer.ToBytes();
    }

    private static void WriteSaved(GoJsonWriter writer, IReadOnlyDictionary<string, string> saved)
    {
        if (saved.Count == 0)
        {
            return;
        }

        writer.Key("saved");
        writer.BeginObject();
        foreach ((string name, string value) in saved)
        {
            writer.Key(name);
            writer.String(value);
        }

        writer.EndObject();
    }

    private static Dictionary<string, string> ReadSaved(JsonElement root)
    {
        Dictionary<string, string> saved = [];
        if (root.TryGetProperty("saved", out JsonElement members))
        {
            foreach (JsonProperty member in members.EnumerateObject())
            {
                saved[member.Name] = member.Value.GetString() ?? throw new FormatException(member.Name);
            }
        }

        return saved;
    }

    /// <summary>
    /// A published port's element follows from the port and the attachment, and is written only where they do not go together: with a thousand ports the
    /// record is a fifth as long. Then <see cref="ElementsOfPorts"/> says so.
    /// </summary>
    private static IReadOnlyList<RuleElement> ListWritten(AttachmentRecord record)
    {
        List<RuleElement> others = [];
        foreach (RuleElement element in record.Elements)
        {
            if (!PolicyElements.IsPublished(element))
            {
                others.Add(element);
            }
        }

        return others.Count < record.Elements.Count && record.Elements.Count - others.Count == record.Ports.Count ? others : record.Elements;
    }

    private static AttachmentRecord WithPublished(JsonElement root, AttachmentRecord record)
    {
        if (!root.TryGetProperty(ElementsOfPorts, out _))
        {
            return record;
        }

        string comment = AttachmentNames.Full(record.Attachment);
        return record with { Elements = [.. record.Elements, .. record.Ports.Select(port => PolicyElements.Published(port, comment))] };
    }

    /// <summary>Such as <c>tcp 127.0.0.1 8080 10.1.0.2 80</c>.</summary>
    private static string Format(PublishedPort port) => string.Create(
        CultureInfo.InvariantCulture,
        $"{port.Protocol.ToString().ToLowerInvariant()} {port.HostAddress} {port.HostPort} {port.ContainerAddress} {port.ContainerPort}");

    private static PublishedPort ReadPort(JsonElement port)
    {
        string[] words = (port.GetString() ?? string.Empty).Split(' ');
        return words.Length == 5 && PortForm.FindProtocol(words[0]) is PortProtocol protocol
            ? new PublishedPort(
                IPAddress.Parse(words[1]),
                ushort.Parse(words[2], NumberStyles.None, CultureInfo.InvariantCulture),
                protocol,
                IPAddress.Parse(words[3]),
                ushort.Parse(words[4], NumberStyles.None, CultureInfo.InvariantCulture))
            : throw new FormatException("ports");
    }

    private static void WriteElement(GoJsonWriter writer, RuleElement element)
    {
        writer.Member("set", element.Set);
        WriteBytes(writer, "key", element.Element.Key);
        WriteBytes(writer, "end", element.Element.KeyEnd);
        WriteBytes(writer, "data", element.Element.Data);
        writer.Member("comment", element.Element.Comment);
    }

    private static void WriteBytes(GoJsonWriter writer, string key, byte[]? value)
    {
        if (value is not null)
        {
            writer.Key(key);
            writer.String(Convert.ToBase64String(value));
        }
    }

    private static RuleElement ReadElement(JsonElement element) => new(String(element, "set"), new NftElement(element.GetProperty("key").GetBytesFromBase64())
    {
        KeyEnd = element.TryGetProperty("end", out JsonElement end) ? end.GetBytesFromBase64() : null,
        Data = element.TryGetProperty("data", out JsonElement data) ? data.GetBytesFromBase64() : null,
        Comment = FindString(element, "comment"),
    });

    // What is empty is not written.
    private static string? FindString(JsonElement element, string key) => element.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;

    private static JsonElement.ArrayEnumerator Items(JsonElement element, string key) =>
        element.TryGetProperty(key, out JsonElement value) ? value.EnumerateArray() : default;

    private static string String(JsonElement element, string key) => element.GetProperty(key).GetString() ?? throw new FormatException(key);
}
