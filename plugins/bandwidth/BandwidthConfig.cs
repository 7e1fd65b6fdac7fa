using CniPlugins.Cni;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Bandwidth;

/// <summary>How fast a container may be. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record BandwidthConfig
{
    private const int BitsInByte = 8;

    // The reference's number: no byte waits longer in the bucket, beside those of a burst.
    private static readonly TimeSpan s_latency = TimeSpan.FromMilliseconds(25);

    /// <summary>For what the container receives; null: no limit.</summary>
    public TokenBucket? Ingress { get; init; }

    /// <summary>For what it sends; null: no limit.</summary>
    public TokenBucket? Egress { get; init; }

    /// <summary>Reads and checks everything; null when there is no limit. What the network's configuration says counts, and not the runtime's, as a whole.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static BandwidthConfig? Read(CniRequest request)
    {
        ConfigObject root = request.Config.Root;
        bool isOwn = root.Has("ingressRate") || root.Has("ingressBurst") || root.Has("egressRate") || root.Has("egressBurst");
        if ((isOwn ? root : request.Config.RuntimeConfig?.FindObject("bandwidth")) is not ConfigObject limits)
        {
            return null;
        }

        BandwidthConfig config = new() { Ingress = ReadBucket(limits, "ingress"), Egress = ReadBucket(limits, "egress") };
        return config.Ingress is null && config.Egress is null ? null : config;
    }

    private static TokenBucket? ReadBucket(ConfigObject limits, string direction)
    {
        (string rateKey, string burstKey) = ($"{direction}Rate", $"{direction}Burst");
        long rate = limits.FindInt64(rateKey, 0) ?? 0;
        long burst = limits.FindInt64(burstKey, 0) ?? 0;
        if (rate == 0 && burst == 0)
        {
            return null;
        }

        if (rate < BitsInByte || burst < BitsInByte)
        {
            throw Invalid(
                $"{limits.PathOf(rateKey)} is {rate} and {limits.PathOf(burstKey)} is {burst}: set both, in bits per second and in bits, to {BitsInByte} or more; or neither");
        }

        return burst / BitsInByte < uint.MaxValue
            ? TokenBucket.WithLatency((ulong)rate / BitsInByte, (uint)(burst / BitsInByte), s_latency)
            : throw Invalid($"{limits.PathOf(burstKey)} is {burst}: the kernel takes less than {(long)uint.MaxValue * BitsInByte}, which is 4 GiB in bits");
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
