namespace CniPlugins.Ipam;

/// <summary>What a store needs to know of the world around it.</summary>
public sealed record LeaseStoreOptions
{
    /// <summary>Where the reference plugins keep leases.</summary>
    public const string DefaultDataDirectory = "/var/lib/cni/networks";

    /// <summary>The running kernel's boot. Leases made here in another one are freed.</summary>
    public string BootId { get; init; } = Linux.BootId.Current;

    /// <summary>This host, as /etc/machine-id has it; empty when it has no name.</summary>
    public Func<string> HostId { get; init; } = static () => Linux.MachineId.Find() ?? string.Empty;

    /// <summary>How long an address that was released is passed over while others are free.</summary>
    public TimeSpan HoldDown { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
