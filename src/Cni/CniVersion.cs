using System.Globalization;

namespace CniPlugins.Cni;

/// <summary>A version of the specification.</summary>
public readonly record struct CniVersion(int Major, int Minor, int Patch) : IComparable<CniVersion>
{
    /// <summary>What a configuration without <c>cniVersion</c> means.</summary>
    public static CniVersion Oldest => new(0, 1, 0);

    /// <summary>The newest version spoken here.</summary>
    public static CniVersion Newest => new(1, 1, 0);

    /// <summary>Every released version, oldest first.</summary>
    public static IReadOnlyList<CniVersion> Supported { get; } =
        [new(0, 1, 0), new(0, 2, 0), new(0, 3, 0), new(0, 3, 1), new(0, 4, 0), new(1, 0, 0), new(1, 1, 0)];

    /// <summary>Which form the result has; versions of one form are interchangeable in prevResult.</summary>
    internal ResultForm Form => this switch
    {
        { Major: 0, Minor: < 3 } => ResultForm.OneAddressPerFamily,
        { Major: 0 } => ResultForm.AddressListWithFamily,
        _ => ResultForm.AddressList,
    };

    /// <summary>Reads <c>1.1.0</c>; null when the text is anything else.</summary>
    public static CniVersion? Find(string text)
    {
        string[] parts = text.Split('.');
        return parts.Length == 3
            && Number(parts[0], out int major) && Number(parts[1], out int minor) && Number(parts[2], out int patch)
                ? new CniVersion(major, minor, patch)
                : null;
    }

    /// <summary>Reads <c>1.1.0</c>.</summary>
    /// <exception cref="CniException">The text is no version (1).</exception>
    public static CniVersion Parse(string text) =>
        Find(text) ?? throw new CniException(
            CniErrorCode.IncompatibleVersion, $"\"{text}\" is not a CNI version: use one such as {Newest}");

    /// <inheritdoc/>
    public int CompareTo(CniVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary>Older than.</summary>
    public static bool operator <(CniVersion left, CniVersion right) => left.CompareTo(right) < 0;

    /// <summary>Newer than.</summary>
    public static bool operator >(CniVersion left, CniVersion right) => left.CompareTo(right) > 0;

    /// <summary>Not newer than.</summary>
    public static bool operator <=(CniVersion left, CniVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Not older than.</summary>
    public static bool operator >=(CniVersion left, CniVersion right) => left.CompareTo(right) >= 0;

    /// <summary><c>1.1.0</c>.</summary>
    public override string ToString() => $"{Major}.{Minor}.{Patch}";

    // One spelling per number, so that "01.1.0" is not taken for a version that the runtime never offered.
    private static bool Number(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && (text.Length == 1 || text[0] != '0');
}
