using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>What CHECK compares with.</summary>
/// <param name="Request">The call.</param>
/// <param name="Host">The host.</param>
/// <param name="Sandbox">The container's namespace.</param>
/// <param name="Record">What ADD noted; null when another plugin made the attachment.</param>
/// <param name="Result">The result of the whole ADD, which the runtime kept.</param>
public sealed record Inspection(CniRequest Request, Host Host, Sandbox Sandbox, AttachmentRecord? Record, AddResult Result)
{
    /// <summary>The container's interface, by its name.</summary>
    public string IfName => Request.Attachment.IfName;
}
