namespace CniPlugins.Ipam;

/// <summary>What the index keeps of a lease.</summary>
/// <param name="Owner">The hash of the lease file's content; the file itself has the last word.</param>
/// <param name="Address">The address.</param>
/// <param name="Inode">The lease file's inode number, and</param>
/// <param name="Modified">its time of modification: a file made anew differs in one of the two.</param>
/// <param name="IsOurs">Whether this software made it, on this host, in the boot that the index names.</param>
internal readonly record struct LeaseRecord(ulong Owner, UInt128 Address, ulong Inode, long Modified, bool IsOurs);
