namespace CniPlugins.Publishing;

/// <summary>Compares elements as the kernel does, by set and key.</summary>
public sealed class SameKey : IEqualityComparer<RuleElement>
{
    private SameKey()
    {
    }

    /// <summary>The only one.</summary>
    public static SameKey Instance { get; } = new();

    /// <inheritdoc/>
    public bool Equals(RuleElement? x, RuleElement? y) => ReferenceEquals(x, y)
        || (x is not null && y is not null && x.Set == y.Set && x.Element.Key.AsSpan().SequenceEqual(y.Element.Key));

    /// <inheritdoc/>
    public int GetHashCode(RuleElement obj)
    {
        HashCode hash = default;
        hash.AddBytes(obj.Element.Key);
        return hash.ToHashCode();
    }
}
