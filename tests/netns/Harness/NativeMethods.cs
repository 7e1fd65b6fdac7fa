using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// The system calls behind a private namespace, and the one for what .NET has no sockets of. Declared here and not taken from the product: what judges it does not stand on it.
/// DllImport with plain arguments needs no unsafe code, LibraryImport would.
/// </summary>
internal static class NativeMethods
{
    internal const int CLONE_FS = 0x200;
    internal const int CLONE_NEWNS = 0x20000;
    internal const int CLONE_NEWNET = 0x40000000;
    internal const ulong MS_BIND = 0x1000;
    internal const ulong MS_REC = 0x4000;
    internal const ulong MS_PRIVATE = 1 << 18;

    internal static void Unshare(int flags) => Check(unshare(flags), "unshare");

    internal static void Setns(SafeHandle handle, int kind) => Check(setns(handle, kind), "setns");

    internal static void Mount(string source, string target, string? type, ulong flags) =>
        Check(mount(source, target, type, flags, 0), $"mount {source} on {target}");

    internal static int Socket(int family, int type, int protocol) => Check(socket(family, type, protocol), "socket");

    /// <summary>getpeername(2): a <c>struct sockaddr_in</c> or <c>sockaddr_in6</c>.</summary>
    internal static byte[] GetPeerName(SafeHandle socket)
    {
        byte[] address = new byte[128];
        int length = address.Length;
        Check(getpeername(socket, address, ref length), "getpeername");
        return address[..length];
    }

    private static int Check(int result, string call)
    {
        if (result < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new Win32Exception(error, $"{call}: {Marshal.GetPInvokeErrorMessage(error)}");
        }

        return result;
    }

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int unshare(int flags);

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int socket(int family, int type, int protocol);

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int getpeername(SafeHandle fd, [Out] byte[] address, ref int length);

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int setns(SafeHandle fd, int kind);

    [DllImport("libc.so.6", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int mount(string source, string target, string? type, ulong flags, nint data);
}
