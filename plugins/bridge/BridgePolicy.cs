using System.Net;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Publishing;

namespace CniPlugins.Plugins.Bridge;

/// <summary>What a bridge's containers want of nftables beside the way out and published ports.</summary>
internal static class BridgePolicy
{
    /// <summary>The policy of one attachment, before any link is made.</summary>
    /// <exception cref="CniException">A port cannot be published (7), or somebody has it (11).</exception>
    public static AttachmentPolicy Plan(BridgeConfig config, Attachment attachment, AddResult lease)
    {
        AttachmentPolicy policy = AttachmentPolicy.Plan(
            attachment, [.. lease.Ips.Select(static ip => ip.Address)], config.Masquerade, config.Publish);
        foreach (IPAddress address in lease.Ips.Select(static ip => ip.Address))
        {
            if (config.Outbound.FirstOrDefault(each => each.AddressFamily == address.AddressFamily) is IPAddress shown)
            {
                policy.AddOwn([PolicyElements.Outbound(address, shown, attachment.Comment)]);
            }

            if (config.IsEnclosed)
            {
                policy.AddOwn([PolicyElements.Enclosed(address, attachment.Comment)]);
            }
        }

        policy.AddShared(Shared(config, lease));
        return policy;
    }

    /// <summary>The elements that every attachment of such a network on the bridge shares; CHECK looks for them too.</summary>
    public static IReadOnlyList<RuleElement> Shared(BridgeConfig config, AddResult lease)
    {
        List<RuleElement> shared = [];
        if (config.Masquerade || config.IsEnclosed || config.Publish.Ports.Count > 0)
        {
            // Where br_netfilter is on, frames within a VLAN pass the same rules, and leave by the bridge there, not by the VLAN's interface.
            string[] devices = config.GatewayDevice == config.BridgeName ? [config.BridgeName] : [config.GatewayDevice, config.BridgeName];
            shared.AddRange(devices.SelectMany(device => lease.Ips.Select(ip => AttachmentPolicy.Network(ip, device))));
        }

        if (config.Isolation == Isolation.Full)
        {
            shared.AddRange(PolicyElements.Isolated(config.GatewayDevice));
        }

        if (config.Internal)
        {
            shared.Add(PolicyElements.Internal(config.GatewayDevice));
        }

        if (!config.IntraNetwork)
        {
            shared.Add(PolicyElements.Apart(config.GatewayDevice));
        }

        return shared;
    }

    /// <summary>The record with everything that is about to be made.</summary>
    public static AttachmentRecord Note(AttachmentPolicy policy, Attachment attachment, BridgeConfig config, AddResult lease, VethPair veth)
    {
        if (config.SpoofCheck)
        {
            policy.AddOwn(SpoofCheck.Elements(veth.Host.Name, veth.Container.Mac!.Value, attachment.Comment));
        }

        IReadOnlyList<IPAddress> addresses = [.. lease.Ips.Select(static ip => ip.Address)];
        if (config.SourceCheck)
        {
            policy.AddOwn(SpoofCheck.SourceElements(veth.Host.Name, addresses, attachment.Comment));
        }

        return policy.Noted(attachment.Record with
        {
            Bridge = config.BridgeName,
            Device = config.GatewayDevice,
            Addresses = addresses,
        });
    }
}
