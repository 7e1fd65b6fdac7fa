using CniPlugins.Bpf;
using CniPlugins.Bpf.Uapi;
using CniPlugins.Linux;
using static CniPlugins.Bpf.BpfRegister;

namespace CniPlugins.Publishing.Loopback;

/// <summary>
/// The two programs of each family: one leads a socket that is given a loopback address to the container that publishes there, and notes where the caller
/// wanted to go; the other puts that in place of the container's address when the caller asks who is at the other end.
/// </summary>
/// <remarks>
/// The map <c>cni_ports_1</c> is as <see cref="SocketEntry"/> says. The map <c>cni_peers_1</c> remembers the latest of all sockets' peers; key: socket cookie
/// (u64), the container's address (16) and port (u16, network order, zeros up to 8); value: the address (16) and port that the caller gave.
/// A socket that is bound to a loopback address, or to an interface, is left alone: it could not reach a container from there.
/// </remarks>
internal sealed class SocketProgram
{
    public const int PeerKeySize = 32;
    public const int PeerValueSize = 24;

    // Words as a program on a little-endian machine sees them.
    private const int MappedWord = unchecked((int)0xffff0000);   // bytes 8 to 11 of ::ffff:a.b.c.d
    private const int Loopback4 = 0x0100007f;                    // 127.0.0.1
    private const int Loopback6 = 0x01000000;                    // bytes 12 to 15 of ::1
    private const int FirstOctet = 0xff;

    // The stack: key of a port or a peer, then key and value of the peer to note.
    private const short Key = -32;
    private const short PeerKey = Key - PeerKeySize;
    private const short PeerValue = PeerKey - PeerValueSize;

    private readonly BpfAssembler _code = new();
    private readonly BpfLabel _end = BpfAssembler.NewLabel();
    private readonly bool _v6;
    private readonly SafeFileDescriptor _ports;
    private readonly SafeFileDescriptor _peers;

    private SocketProgram(bool v6, SafeFileDescriptor ports, SafeFileDescriptor peers) => (_v6, _ports, _peers) = (v6, ports, peers);

    /// <summary>The program for a place.</summary>
    public static ulong[] Assemble(BPF_CGROUP place, SafeFileDescriptor ports, SafeFileDescriptor peers)
    {
        bool v6 = place is BPF_CGROUP.INET6_CONNECT or BPF_CGROUP.UDP6_SENDMSG or BPF_CGROUP.UDP6_RECVMSG or BPF_CGROUP.INET6_GETPEERNAME;
        bool leads = place is BPF_CGROUP.INET4_CONNECT or BPF_CGROUP.INET6_CONNECT or BPF_CGROUP.UDP4_SENDMSG or BPF_CGROUP.UDP6_SENDMSG;
        SocketProgram program = new(v6, ports, peers);
        return leads ? program.Lead(isMessage: place is BPF_CGROUP.UDP4_SENDMSG or BPF_CGROUP.UDP6_SENDMSG) : program.Name();
    }

    /// <summary>R6: context; R7: last word of the address that was given; R8: the word before it, for IPv6; R9: what the map says.</summary>
    private ulong[] Lead(bool isMessage)
    {
        _code.Move(R6, R1);
        if (_v6)
        {
            RequireLoopback6();
        }
        else
        {
            RequireLoopback4();
        }

        RequireUnbound();
        if (isMessage)
        {
            // Of IP_PKTINFO or IPV6_PKTINFO; else what was looked at above.
            _code.Move(R2, R6);
            RequireOtherSource(_v6 ? BpfSockAddr.MessageSourceIp6Offset : BpfSockAddr.MessageSourceIp4Offset);
        }

        FindPort();
        NotePeer();
        CopyToContext(R9);
        return Finish();
    }

    private ulong[] Name()
    {
        _code.Move(R6, R1);
        _code.Call(BPF_FUNC.get_socket_cookie);
        _code.StoreU64(Stack, Key, R0);
        if (_v6)
        {
            for (short word = 0; word < 16; word += 4)
            {
                _code.LoadU32(R1, R6, (short)(BpfSockAddr.UserIp6Offset + word));
                _code.StoreU32(Stack, (short)(Key + 8 + word), R1);
            }
        }
        else
        {
            _code.LoadU32(R7, R6, BpfSockAddr.UserIp4Offset);
            StoreAddress(Key + 8);
        }

        _code.LoadU32(R1, R6, BpfSockAddr.UserPortOffset);
        _code.StoreU64(Stack, Key + 24, R1);
        Lookup(_peers);
        _code.JumpIfEqual(R0, 0, _end);
        CopyToContext(R0);
        return Finish();
    }

    /// <summary>127.0.0.0/8, or 0.0.0.0, which a socket takes for 127.0.0.1 (ip_route_output_key_hash_rcu, net/ipv4/route.c).</summary>
    private void RequireLoopback4()
    {
        BpfLabel isLoopback = BpfAssembler.NewLabel();
        _code.LoadU32(R7, R6, BpfSockAddr.UserIp4Offset);
        RequireLoopbackWord(isLoopback);
        _code.Mark(isLoopback);
    }

    /// <summary>R7 is 0, which becomes 127.0.0.1, or begins with 127.</summary>
    private void RequireLoopbackWord(BpfLabel then)
    {
        BpfLabel given = BpfAssembler.NewLabel();
        _code.JumpIfNot32(R7, 0, given);
        _code.Move(R7, Loopback4);
        _code.Jump(then);
        _code.Mark(given);
        _code.Move(R1, R7);
        _code.And(R1, FirstOctet);
        _code.JumpIfNot(R1, 127, _end);
    }

    /// <summary>::1, or ::, which a socket takes for it (tcp_v6_connect, net/ipv6/tcp_ipv6.c), or such an IPv4 address, mapped.</summary>
    private void RequireLoopback6()
    {
        BpfLabel mapped = BpfAssembler.NewLabel();
        BpfLabel isLoopback = BpfAssembler.NewLabel();
        _code.LoadU32(R1, R6, BpfSockAddr.UserIp6Offset);
        _code.JumpIfNot32(R1, 0, _end);
        _code.LoadU32(R1, R6, BpfSockAddr.UserIp6Offset + 4);
        _code.JumpIfNot32(R1, 0, _end);
        _code.LoadU32(R8, R6, BpfSockAddr.UserIp6Offset + 8);
        _code.LoadU32(R7, R6, BpfSockAddr.UserIp6Offset + 12);
        _code.JumpIfEqual32(R8, MappedWord, mapped);
        _code.JumpIfNot32(R8, 0, _end);
        _code.JumpIfEqual32(R7, Loopback6, isLoopback);
        _code.JumpIfNot32(R7, 0, _end);
        _code.Move(R7, Loopback6);
        _code.Jump(isLoopback);
        _code.Mark(mapped);
        RequireLoopbackWord(isLoopback);
        _code.Mark(isLoopback);
    }

    /// <summary>What goes out with a loopback source is dropped on its way (ip_route_input_slow), and what is bound to lo has no way to a container.</summary>
    private void RequireUnbound()
    {
        _code.LoadU64(R2, R6, BpfSockAddr.SocketOffset);
        _code.JumpIfEqual(R2, 0, _end);
        _code.LoadU32(R1, R2, BpfSock.BoundDeviceOffset);
        _code.JumpIfNot32(R1, 0, _end);
        RequireOtherSource(_v6 ? BpfSock.SourceIp6Offset : BpfSock.SourceIp4Offset);
    }

    /// <summary>The source address at R2 + offset is none of loopback. R1 and R3 are lost.</summary>
    private void RequireOtherSource(short offset)
    {
        if (!_v6)
        {
            _code.LoadU32(R1, R2, offset);
            _code.And(R1, FirstOctet);
            _code.JumpIfEqual(R1, 127, _end);
            return;
        }

        BpfLabel mapped = BpfAssembler.NewLabel();
        BpfLabel isOther = BpfAssembler.NewLabel();
        _code.LoadU32(R3, R2, (short)(offset + 12));
        _code.LoadU32(R1, R2, offset);
        _code.JumpIfNot32(R1, 0, isOther);
        _code.LoadU32(R1, R2, (short)(offset + 4));
        _code.JumpIfNot32(R1, 0, isOther);
        _code.LoadU32(R1, R2, (short)(offset + 8));
        _code.JumpIfEqual32(R1, MappedWord, mapped);
        _code.JumpIfNot32(R1, 0, isOther);
        _code.JumpIfEqual32(R3, Loopback6, _end);
        _code.Jump(isOther);
        _code.Mark(mapped);
        _code.And(R3, FirstOctet);
        _code.JumpIfEqual(R3, 127, _end);
        _code.Mark(isOther);
    }

    /// <summary>R9 = the entry for the address, or the one for every address.</summary>
    private void FindPort()
    {
        BpfLabel known = BpfAssembler.NewLabel();
        BpfLabel found = BpfAssembler.NewLabel();
        _code.LoadU32(R9, R6, BpfSockAddr.ProtocolOffset);
        _code.JumpIfEqual32(R9, (int)PortProtocol.Tcp, known);
        _code.JumpIfNot32(R9, (int)PortProtocol.Udp, _end);
        _code.Mark(known);
        _code.Move(R1, R6);
        _code.Call(BPF_FUNC.get_netns_cookie);
        _code.StoreU64(Stack, Key, R0);
        StoreAddress(Key + 8);
        _code.LoadU32(R1, R6, BpfSockAddr.UserPortOffset);
        _code.ShiftLeft(R9, 16);
        _code.Or(R9, R1);
        _code.StoreU64(Stack, Key + 24, R9);
        Lookup(_ports);
        _code.JumpIfNot(R0, 0, found);
        _code.StoreU32(Stack, Key + 20, 0);
        Lookup(_ports);
        _code.JumpIfEqual(R0, 0, _end);
        _code.Mark(found);
        _code.Move(R9, R0);
    }

    private void NotePeer()
    {
        _code.Move(R1, R6);
        _code.Call(BPF_FUNC.get_socket_cookie);
        _code.StoreU64(Stack, PeerKey, R0);
        _code.LoadU64(R1, R9, 0);
        _code.StoreU64(Stack, PeerKey + 8, R1);
        _code.LoadU64(R1, R9, 8);
        _code.StoreU64(Stack, PeerKey + 16, R1);
        _code.LoadU16(R1, R9, 16);
        _code.StoreU64(Stack, PeerKey + 24, R1);
        StoreAddress(PeerValue);
        _code.LoadU32(R1, R6, BpfSockAddr.UserPortOffset);
        _code.StoreU64(Stack, PeerValue + 16, R1);
        _code.LoadMap(R1, _peers);
        _code.Move(R2, Stack);
        _code.Add(R2, PeerKey);
        _code.Move(R3, Stack);
        _code.Add(R3, PeerValue);
        _code.Move(R4, 0);
        _code.Call(BPF_FUNC.map_update_elem);   // when it fails, the caller sees the container's address
    }

    /// <summary>The address in R8 and R7 (IPv6) or R7 (IPv4, mapped), 16 bytes.</summary>
    private void StoreAddress(int offset)
    {
        _code.StoreU64(Stack, (short)offset, 0);
        if (_v6)
        {
            _code.StoreU32(Stack, (short)(offset + 8), R8);
        }
        else
        {
            _code.StoreU32(Stack, (short)(offset + 8), MappedWord);
        }

        _code.StoreU32(Stack, (short)(offset + 12), R7);
    }

    /// <summary>R0 = the value of <see cref="Key"/>, or 0.</summary>
    private void Lookup(SafeFileDescriptor map)
    {
        _code.LoadMap(R1, map);
        _code.Move(R2, Stack);
        _code.Add(R2, Key);
        _code.Call(BPF_FUNC.map_lookup_elem);
    }

    /// <summary>Both maps' values begin with address and port.</summary>
    private void CopyToContext(BpfRegister value)
    {
        if (_v6)
        {
            for (short word = 0; word < 16; word += 4)
            {
                _code.LoadU32(R1, value, word);
                _code.StoreU32(R6, (short)(BpfSockAddr.UserIp6Offset + word), R1);
            }
        }
        else
        {
            _code.LoadU32(R1, value, 12);
            _code.StoreU32(R6, BpfSockAddr.UserIp4Offset, R1);
        }

        _code.LoadU16(R1, value, 16);
        _code.StoreU32(R6, BpfSockAddr.UserPortOffset, R1);
    }

    private ulong[] Finish()
    {
        _code.Mark(_end);
        _code.Move(R0, 1);   // whatever was found, the call goes on
        _code.Exit();
        return _code.ToArray();
    }
}
