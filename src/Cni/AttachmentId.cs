namespace CniPlugins.Cni;

/// <summary>What one ADD made and one DEL takes away: an interface of a container on a network.</summary>
public readonly record struct AttachmentId(string Network, string ContainerId, string IfName)
{
    /// <summary><c>network/container/interface</c>, for messages.</summary>
    public override string ToString() => $"{Network}/{ContainerId}/{IfName}";
}
