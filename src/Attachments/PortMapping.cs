using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>One port of a container, as somebody asks for it to be published.</summary>
/// <param name="HostPort">1 to 65535; 0: any free one.</param>
/// <param name="ContainerPort">1 to 65535.</param>
/// <param name="Protocol">TCP unless it says otherwise.</param>
/// <param name="HostAddresses">Empty: the defaults of the network or the host.</param>
public sealed record PortMapping(ushort HostPort, ushort ContainerPort, PortProtocol Protocol, IReadOnlyList<IPAddress> HostAddresses)
{
    /// <summary>The first free port from <see cref="HostPort"/> to this one is meant.</summary>
    public ushort LastHostPort { get; init; } = HostPort;

    /// <summary>Who reaches it; none: everybody.</summary>
    public IReadOnlyList<PublishConditions> Conditions { get; init; } = [];

    /// <summary>Whether the host's port is ours to choose.</summary>
    public bool IsChosen => HostPort == 0 || LastHostPort != HostPort;

    /// <summary>Reads <c>runtimeConfig.portMappings</c>; empty when there is none. An entry is an object, or text as <see cref="PortForm"/> has it.</summary>
    /// <exception cref="CniException">An entry is wrong (6, 7).</exception>
    public static IReadOnlyList<PortMapping> Read(ConfigObject? runtimeConfig)
    {
        List<PortMapping> mappings = [];
        ConfigArray? entries = runtimeConfig?.FindArray("portMappings");
        for (int i = 0; i < entries?.Count; i++)
        {
            if (entries.IsString(i))
            {
                mappings.AddRange(ReadForm(entries, i));
            }
            else
            {
                mappings.Add(ReadObject(entries.GetObject(i)));
            }
        }

        return mappings;
    }

    /// <summary>As an operator writes it, such as <c>[::1]:8080:80/udp</c>; an address after the other where there are several, which no form has.</summary>
    public override string ToString()
    {
        string addresses = string.Join(',', HostAddresses.Select(Bracketed));
        string last = LastHostPort == HostPort ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"-{LastHostPort}");
        string host = HostPort == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"{HostPort}{last}");
        string protocol = Protocol.ToString().ToLowerInvariant();
        return string.Create(CultureInfo.InvariantCulture, $"{addresses}{(addresses.Length > 0 ? ":" : "")}{host}:{ContainerPort}/{protocol}");
    }

    private static string Bracketed(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{AddressText.Format(address)}]" : AddressText.Format(address);

    private static IReadOnlyList<PortMapping> ReadForm(ConfigArray entries, int index)
    {
        string text = entries.GetString(index);
        return PortForm.TryParse(text, out IReadOnlyList<PortMapping> mappings, out string? error)
            ? mappings
            : throw new CniException(CniErrorCode.InvalidConfig, $"{entries.PathOf(index)} is \"{text}\": {error}");
    }

    private static PortMapping ReadObject(ConfigObject entry)
    {
        int hostPort = entry.FindInt32("hostPort", 0, ushort.MaxValue) ?? 0;
        int containerPort = entry.FindInt32("containerPort", 1, ushort.MaxValue) ?? throw new CniException(
            CniErrorCode.InvalidConfig, $"{entry.PathOf("containerPort")} is missing: set it to a port, 1 to 65535");
        string? protocol = entry.FindString("protocol");
        return new PortMapping(
            (ushort)hostPort,
            (ushort)containerPort,
            PortForm.FindProtocol(protocol) ?? throw new CniException(
                CniErrorCode.InvalidConfig, $"{entry.PathOf("protocol")} is \"{protocol}\": set it to \"tcp\", \"udp\" or \"sctp\""),
            ReadHostAddresses(entry))
        {
            Conditions = AllowList.Read(entry),
        };
    }

    private static List<IPAddress> ReadHostAddresses(ConfigObject entry)
    {
        List<IPAddress> addresses = [];
        bool several = entry.IsArray("hostIP");
        IReadOnlyList<string> texts = several ? entry.FindStrings("hostIP")! : [entry.FindString("hostIP") ?? string.Empty];
        foreach (string text in texts)
        {
            if (text.Length == 0 && !several)
            {
                continue;
            }

            addresses.Add(AddressText.TryParse(text, out IPAddress address)
                && !(address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0)
                ? address
                : throw new CniException(
                    CniErrorCode.InvalidConfig, $"{entry.PathOf("hostIP")} is \"{text}\": set it to an IP address of this host, or leave it out for this host only"));
        }

        return addresses;
    }
}
