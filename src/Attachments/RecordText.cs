using System.Buffers;
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
    public static byte[] Write(AttachmentRecord record) => Write(writer =>
    {
        writer.WriteString("network", record.Attachment.Network);
        writer.WriteString("containerId", record.Attachment.ContainerId);
        writer.WriteString("ifName", record.Attachment.IfName);
        writer.WriteString("bootId", record.BootId);
        writer.WriteBoolean("complete", record.IsComplete);
        writer.WriteNumber("netnsDevice", record.Namespace.Device);
        writer.WriteNumber("netnsInode", record.Namespace.Inode);
        writer.WriteString("bridge", record.Bridge);
        writer.WriteString("device", record.Device);
        writer.WriteStartArray("addresses");
        foreach (IPAddress address in record.Addresses)
        {
            writer.WriteStringValue(address.ToString());
        }

        writer.WriteEndArray();
        writer.WriteStartArray("ports");
        foreach (PublishedPort port in record.Ports)
        {
            WritePort(writer, port);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("elements");
        foreach (RuleElement element in record.Elements)
        {
            writer.WriteStartObject();
            WriteElement(writer, element);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    public static byte[] Write(RuleElement element) => Write(writer => WriteElement(writer, element));

    /// <summary>Reads a record; null when it cannot be read: cut short by a crash, or not ours.</summary>
    public static AttachmentRecord? TryReadRecord(ReadOnlyMemory<byte> text) => TryRead(text, static root => new AttachmentRecord
    {
        Attachment = new AttachmentId(String(root, "network"), String(root, "containerId"), String(root, "ifName")),
        BootId = String(root, "bootId"),
        IsComplete = root.GetProperty("complete").GetBoolean(),
        Namespace = new NamespaceIdentity(root.GetProperty("netnsDevice").GetUInt64(), root.GetProperty("netnsInode").GetUInt64()),
        Bridge = root.GetProperty("bridge").GetString(),
        Device = root.GetProperty("device").GetString(),
        Addresses = [.. root.GetProperty("addresses").EnumerateArray().Select(static item => IPAddress.Parse(item.GetString()!))],
        Ports = [.. root.GetProperty("ports").EnumerateArray().Select(ReadPort)],
        Elements = [.. root.GetProperty("elements").EnumerateArray().Select(ReadElement)],
    });

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
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            return null;   // the caller treats it as a record of which only the name is known
        }
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        ArrayBufferWriter<byte> buffer = new(1024);
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            content(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WritePort(Utf8JsonWriter writer, PublishedPort port)
    {
        writer.WriteStartObject();
        writer.WriteString("protocol", port.Protocol.ToString().ToLowerInvariant());
        writer.WriteString("hostAddress", port.HostAddress.ToString());
        writer.WriteNumber("hostPort", port.HostPort);
        writer.WriteString("containerAddress", port.ContainerAddress.ToString());
        writer.WriteNumber("containerPort", port.ContainerPort);
        writer.WriteEndObject();
    }

    private static PublishedPort ReadPort(JsonElement port) => new(
        IPAddress.Parse(String(port, "hostAddress")),
        port.GetProperty("hostPort").GetUInt16(),
        Enum.Parse<PortProtocol>(String(port, "protocol"), ignoreCase: true),
        IPAddress.Parse(String(port, "containerAddress")),
        port.GetProperty("containerPort").GetUInt16());

    private static void WriteElement(Utf8JsonWriter writer, RuleElement element)
    {
        writer.WriteString("set", element.Set);
        writer.WriteBase64String("key", element.Element.Key);
        if (element.Element.KeyEnd is byte[] end)
        {
            writer.WriteBase64String("end", end);
        }

        if (element.Element.Data is byte[] data)
        {
            writer.WriteBase64String("data", data);
        }

        writer.WriteString("comment", element.Element.Comment);
    }

    private static RuleElement ReadElement(JsonElement element) => new(String(element, "set"), new NftElement(element.GetProperty("key").GetBytesFromBase64())
    {
        KeyEnd = element.TryGetProperty("end", out JsonElement end) ? end.GetBytesFromBase64() : null,
        Data = element.TryGetProperty("data", out JsonElement data) ? data.GetBytesFromBase64() : null,
        Comment = element.GetProperty("comment").GetString(),
    });

    private static string String(JsonElement element, string key) => element.GetProperty(key).GetString() ?? throw new FormatException(key);
}
