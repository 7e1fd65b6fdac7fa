namespace CniPlugins.Ipam;

/// <summary>Names of networks are names of files here: they must not lead elsewhere, nor be one of ours.</summary>
internal static class NetworkName
{
    /// <summary>As long as a name may be with <c>.new.</c> before it.</summary>
    private const int Limit = 250;

    /// <summary>Refuses a name that cannot be a network's (CNI specification 1.1, "Network configuration format": name).</summary>
    /// <exception cref="IpamConfigException">It cannot.</exception>
    internal static void Validate(string name)
    {
        if (!IsValid(name))
        {
            throw new IpamConfigException(
                $"\"{name}\" cannot be a network's name: it must begin with a letter or digit, hold only letters, digits, '_', '.', '-', "
                + $"and be no longer than {Limit}");
        }
    }

    internal static bool IsValid(string name)
    {
        bool valid = name.Length is > 0 and <= Limit && char.IsAsciiLetterOrDigit(name[0]);
        foreach (char c in name)
        {
            valid &= char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
        }

        return valid;
    }
}
