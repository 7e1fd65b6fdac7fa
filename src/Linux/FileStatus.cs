namespace CniPlugins.Linux;

/// <summary>What stat(2) tells of a file: kind, size, identity and the time of its last change of content.</summary>
/// <param name="Kind">The kind of file.</param>
/// <param name="Device">The file system it is on.</param>
/// <param name="Inode">Its inode number there; used again once the file is deleted.</param>
/// <param name="Links">How many names it has; 0 for a directory that was removed while open.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">Nanoseconds since 1970.</param>
public readonly record struct FileStatus(FileKind Kind, ulong Device, ulong Inode, ulong Links, long Size, long Modified)
{
    internal static FileStatus Of(in Tmds.Linux.stat status)
    {
        FileKind kind = ((uint)status.st_mode & 0xF000) switch
        {
            0x8000 => FileKind.Regular,     // S_IFREG
            0x4000 => FileKind.Directory,   // S_IFDIR
            _ => FileKind.Other,
        };

        // A hostile or damaged file system may hold any time at all; it is compared, never reckoned with.
        long modified = unchecked(((long)status.st_mtim.tv_sec * 1_000_000_000) + (long)status.st_mtim.tv_nsec);
        return new FileStatus(kind, (ulong)status.st_dev, (ulong)status.st_ino, (ulong)status.st_nlink, (long)status.st_size, modified);
    }
}
