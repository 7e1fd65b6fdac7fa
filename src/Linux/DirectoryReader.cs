using System.Buffers.Binary;
using System.Text;

namespace CniPlugins.Linux;

/// <summary>
/// Reads a directory entry by entry in a fixed amount of memory (getdents64(2)). Names that are not UTF-8 come out with U+FFFD in them,
/// and are never called regular files: they could not be opened by what they are called here.
/// </summary>
public ref struct DirectoryReader
{
    // struct linux_dirent64, include/linux/dirent.h: u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, char d_name[].
    private const int LengthOffset = 16;
    private const int TypeOffset = 18;
    private const int NameOffset = 19;
    private const int Unknown = 0, SubDirectory = 4, Regular = 8;   // DT_*, include/linux/fs_types.h

    private readonly StateDirectory _directory;
    private readonly byte[] _buffer;
    private int _length;
    private int _next;
    private bool _rewound;

    internal DirectoryReader(StateDirectory directory)
    {
        _directory = directory;
        _buffer = new byte[32 * 1024];
        Name = string.Empty;
    }

    /// <summary>The entry's name.</summary>
    public string Name { get; private set; }

    /// <summary>The entry's kind.</summary>
    public FileKind Kind { get; private set; }

    /// <summary>The entry's inode number.</summary>
    public ulong Inode { get; private set; }

    /// <summary>Goes to the next entry; false at the end.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public bool Read()
    {
        while (Fill())
        {
            ReadOnlySpan<byte> entry = _buffer.AsSpan(_next, _length - _next);
            int size = BinaryPrimitives.ReadUInt16LittleEndian(entry[LengthOffset..]);
            _next += size;
            ReadOnlySpan<byte> name = entry[NameOffset..size];
            name = name[..name.IndexOf((byte)0)];
            if (name is [(byte)'.'] or [(byte)'.', (byte)'.'])
            {
                continue;
            }

            Name = Encoding.UTF8.GetString(name);
            Inode = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            Kind = Name.Contains('\uFFFD') ? FileKind.Other : entry[TypeOffset] switch
            {
                Regular => FileKind.Regular,
                SubDirectory => FileKind.Directory,
                Unknown => _directory.FindStatus(Name)?.Kind ?? FileKind.Other,
                _ => FileKind.Other,
            };
            return true;
        }

        return false;
    }

    private unsafe bool Fill()
    {
        if (_next < _length)
        {
            return true;
        }

        if (!_rewound)
        {
            // The position belongs to the open directory, which may have been read before.
            Tmds.Linux.LibC.lseek(_directory.Descriptor.Value, 0, Tmds.Linux.LibC.SEEK_SET);
            _rewound = true;
        }

        fixed (byte* pointer = _buffer)
        {
            nint count = Libc.getdents64(_directory.Descriptor.Value, pointer, (nuint)_buffer.Length);
            if (count < 0)
            {
                // One that was removed while it is open says ENOENT (iterate_dir, fs/readdir.c): it is as empty as it had to be for that.
                Errno errno = LinuxException.Last;
                count = errno == Errno.ENOENT ? 0 : throw new LinuxException("getdents64", _directory.Path, errno);
            }

            _length = (int)count;
            _next = 0;
            return count > 0;
        }
    }
}
