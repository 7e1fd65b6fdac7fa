using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CniPlugins.Bench;

/// <summary>TCP from and to namespaces: a socket stays where its thread was when it was made.</summary>
internal static class Reach
{
    private const int CLONE_NEWNET = 0x40000000;

    /// <summary>A listener on every address in a namespace; the kernel itself takes connections in its name.</summary>
    public static Socket Listen(string networkPath, int port) => InNamespace(networkPath, () =>
    {
        Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(16);
        return socket;
    });

    /// <summary>Whether a connection from a namespace is taken within the time.</summary>
    public static bool TryConnect(string networkPath, string address, int port, TimeSpan time)
    {
        IPAddress to = IPAddress.Parse(address);
        using Socket socket = InNamespace(networkPath, () => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
        try
        {
            socket.Connect(to, port);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Under way: the poll below sees its end.
        }
        catch (SocketException)
        {
            return false;
        }

        return socket.Poll(time, SelectMode.SelectWrite)
            && (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)! == 0;
    }

    /// <summary>How long <c>connect(2)</c> took, in µs, for one connection after another from a namespace to where the listener, in whatever namespace, is reached.</summary>
    /// <exception cref="BenchException">It was refused.</exception>
    public static double[] TimeConnects(string networkPath, string address, int port, Socket listener, int count)
    {
        byte[] to = new IPEndPoint(IPAddress.Parse(address), port).Serialize().Buffer.ToArray();
        return InNamespace(networkPath, () =>
        {
            double[] times = new double[count];
            for (int i = 0; i < count; i++)
            {
                // Reset at the end: no connection waits for its last segment, and no port of the caller is held.
                using Socket caller = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
                long start = Stopwatch.GetTimestamp();
                int result = connect(caller.SafeHandle, to, 16);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                if (result != 0)
                {
                    throw new BenchException($"connect {address}:{port}: {Marshal.GetLastPInvokeErrorMessage()}");
                }

                listener.Accept().Dispose();
            }

            return times;
        });
    }

    private static T InNamespace<T>(string networkPath, Func<T> make)
    {
        T? made = default;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                using SafeFileHandle handle = File.OpenHandle(networkPath);
                made = setns(handle, CLONE_NEWNET) == 0 ? make() : throw new BenchException($"setns {networkPath}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return made!;
    }

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int setns(SafeHandle fd, int kind);

    [DllImport("libc.so.6", SetLastError = true)]
    private static extern int connect(SafeHandle fd, byte[] address, int size);
}
