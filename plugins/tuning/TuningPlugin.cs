using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Tuning;

/// <summary>The CNI type <c>tuning</c>: sets kernel parameters of a container, and properties of its interface, and puts them back.</summary>
public sealed class TuningPlugin : ChainedPlugin<TuningConfig>
{
    private const string SavedDirectory = "dataDir";
    private const string SavedSysctl = "sysctl ";

    /// <summary>Talks to the kernel by these sockets.</summary>
    public TuningPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "tuning";

    /// <inheritdoc/>
    protected override TuningConfig? Read(CniRequest request, Host host) => TuningConfig.Read(request);

    /// <summary>Allowed → what is there noted, for us and for the reference → parameters → interface → result.</summary>
    protected override AddResult Apply(TuningConfig config, Attachment attachment, AddResult previous)
    {
        Allowlist.Require(config.Sysctls, attachment.Host.Settings.TuningAllowlist);
        (Sandbox sandbox, string ifName) = (attachment.Sandbox, attachment.Id.IfName);
        Link? link = config.Link.IsEmpty ? null : GetInterface(sandbox, ifName);
        Note(config, attachment, link);
        sandbox.Namespace.Run(() =>
        {
            foreach (SysctlSetting sysctl in config.Sysctls)
            {
                sysctl.Set();
            }
        });
        if (link is null)
        {
            return previous;
        }

        config.Link.Apply(sandbox.Route, link);
        return previous with { Interfaces = [.. previous.Interfaces.Select(each => IsOurs(each, ifName) ? Tuned(each, config.Link) : each)] };
    }

    /// <summary>What the configuration names, and nothing else: promiscuous mode may be on for reasons of others.</summary>
    protected override void CheckApplied(TuningConfig config, Inspection inspection)
    {
        inspection.Sandbox.Namespace.Run(() =>
        {
            foreach (SysctlSetting sysctl in config.Sysctls)
            {
                if (Sysctl.Find(sysctl.Name) is not string found || !sysctl.IsSame(found))
                {
                    throw PrevResultCheck.Differs($"sysctl {sysctl.Key} of the container is {Sysctl.Find(sysctl.Name) ?? "gone"}, not {sysctl.Value}");
                }
            }
        });
        if (!config.Link.IsEmpty)
        {
            config.Link.Check(inspection.Sandbox.Route.FindLink(inspection.IfName) ?? throw PrevResultCheck.Differs($"{inspection.IfName} in the container is gone"));
        }
    }

    /// <inheritdoc/>
    protected override void Remove(Removal removal)
    {
        string? directory = null;
        removal.Steps.Try("put back what it set", () =>
        {
            directory = removal.Record?.Saved.GetValueOrDefault(SavedDirectory) ?? TuningConfig.FindDataDirectory(removal.Config.Root);
            LinkSettings? before = removal.Record is AttachmentRecord record ? LinkSettings.Read(record.Saved)
                : directory is null ? null : ReferenceBackup.Find(directory, removal.Id);
            PutBack(removal, before);
        });
        removal.Steps.Try("delete the reference's note", () =>
        {
            if (directory is not null)
            {
                ReferenceBackup.Delete(directory, removal.Id);
            }
        });
    }

    private static void Note(TuningConfig config, Attachment attachment, Link? link)
    {
        Dictionary<string, string> saved = new() { [SavedDirectory] = config.DataDirectory };
        LinkSettings before = link is null ? new LinkSettings() : config.Link.Of(link);
        before.Save(saved);
        attachment.Sandbox.Namespace.Run(() =>
        {
            foreach (SysctlSetting sysctl in config.Sysctls)
            {
                // One that can only be written has nothing to be put back.
                if (Sysctl.Find(sysctl.Name) is string value)
                {
                    saved[SavedSysctl + sysctl.Name] = value;
                }
            }
        });
        attachment.Update(attachment.Record with { Saved = saved });
        if (!before.IsEmpty)
        {
            ReferenceBackup.Write(config.DataDirectory, attachment.Id, before);
        }
    }

    /// <summary>
    /// What the kernel does not take back is let be: the interface goes next, and a DEL that failed each time would hold up the container for ever.
    /// </summary>
    private static void PutBack(Removal removal, LinkSettings? before)
    {
        if (removal.Sandbox is not Sandbox sandbox)
        {
            return;
        }

        if (before is not null && sandbox.Route.FindLink(removal.Id.IfName) is Link link)
        {
            foreach (LinkSettings one in before.Apart())
            {
                Tolerate(() => one.Apply(sandbox.Route, link));
            }
        }

        sandbox.Namespace.Run(() =>
        {
            foreach ((string name, string value) in (removal.Record?.Saved ?? new Dictionary<string, string>()).Reverse())
            {
                if (name.StartsWith(SavedSysctl, StringComparison.Ordinal) && SysctlSetting.IsName(name[SavedSysctl.Length..]))
                {
                    Tolerate(() => Sysctl.Ensure(name[SavedSysctl.Length..], value));
                }
            }
        });
    }

    private static void Tolerate(Action action)
    {
        try
        {
            action();
        }
        catch (IOException)
        {
            // See PutBack.
        }
    }

    private static bool IsOurs(ResultInterface each, string ifName) => each.Name == ifName && !string.IsNullOrEmpty(each.Sandbox);

    private static ResultInterface Tuned(ResultInterface each, LinkSettings settings) =>
        each with { Mac = settings.Mac?.ToString() ?? each.Mac, Mtu = settings.Mtu ?? each.Mtu };
}
