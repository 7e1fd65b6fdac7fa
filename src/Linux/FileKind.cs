namespace CniPlugins.Linux;

/// <summary>What a directory entry is, as far as a reader of state files must tell (S_IFMT, inode(7)).</summary>
public enum FileKind
{
    /// <summary>A regular file: the only kind whose content is ever read.</summary>
    Regular,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link, FIFO, socket or device.</summary>
    Other,
}
