using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Queueing disciplines, and the one filter that redirects everything.</content>
public sealed partial class RouteConnection
{
    private const uint IngressHandle = 0xFFFF0000;   // ffff:, the only one the kernel accepts (net/sched/sch_api.c)
    private const ushort EveryProtocol = 3;          // ETH_P_ALL, include/uapi/linux/if_ether.h

    /// <summary>
    /// Lets what an interface sends through a token bucket, in place of what it has. <c>tc qdisc replace dev DEV root handle 1: tbf rate R
    /// burst B limit L</c>. No rate table goes along: kernels since 3.8 compute the times themselves.
    /// </summary>
    /// <exception cref="NetlinkException">EOPNOTSUPP or ENOENT: the kernel lacks the kind; EINVAL: a rate or burst of 0.</exception>
    public void ReplaceTokenBucket(InterfaceIndex index, uint handle, TokenBucket bucket)
    {
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>((ushort)RTM.NEWQDISC, NLM_F.CREATE | NLM_F.REPLACE, new TcMsg
        {
            Index = index.Value,
            Handle = handle,
            Parent = (uint)TC_H.ROOT,
        });
        request.Attributes.PutString(TCA.KIND, "tbf");
        using (request.Attributes.Nest(TCA.OPTIONS, out AttributeWriter<TCA_TBF> options))
        {
            options.PutStruct(TCA_TBF.PARMS, new TcTbfQopt
            {
                Rate = new TcRateSpec { LinkLayer = (byte)TC_LINKLAYER.ETHERNET, Rate = uint.CreateSaturating(bucket.Rate) },
                Limit = bucket.Limit,
                Buffer = bucket.BurstTicks,
            });
            options.PutU32(TCA_TBF.BURST, bucket.Burst);
            if (bucket.Rate > uint.MaxValue)
            {
                options.PutU64(TCA_TBF.RATE64, bucket.Rate);
            }
        }

        Execute(request, $"tbf of index {index}");
    }

    /// <summary>Makes a place for filters of what an interface receives. <c>tc qdisc add dev DEV ingress</c>.</summary>
    /// <returns>False when there was one already.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool EnsureIngress(InterfaceIndex index)
    {
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>((ushort)RTM.NEWQDISC, NLM_F.CREATE | NLM_F.EXCL, new TcMsg
        {
            Index = index.Value,
            Handle = IngressHandle,
            Parent = (uint)TC_H.INGRESS,
        });
        request.Attributes.PutString(TCA.KIND, "ingress");
        return TryExecute(request, $"ingress of index {index}", Errno.EEXIST);
    }

    /// <summary>
    /// Hands all that an interface receives to another one, as if that sent it. <c>tc filter add dev DEV parent ffff: protocol all prio 1
    /// u32 match u32 0 0 action mirred egress redirect dev TARGET</c>.
    /// </summary>
    /// <exception cref="NetlinkException">EINVAL: the interface has no ingress.</exception>
    public void AddRedirect(InterfaceIndex index, InterfaceIndex target)
    {
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>((ushort)RTM.NEWTFILTER, NLM_F.CREATE | NLM_F.EXCL, new TcMsg
        {
            Index = index.Value,
            Parent = IngressHandle,
            Info = (1u << 16) | BinaryPrimitives.ReverseEndianness(EveryProtocol),
        });
        request.Attributes.PutString(TCA.KIND, "u32");
        using (request.Attributes.Nest(TCA.OPTIONS, out AttributeWriter<TCA_U32> filter))
        {
            using (filter.Nest(TCA_U32.ACT, out AttributeWriter<TCA_ACT> actions))
            using (actions.NestNumbered(1, out AttributeWriter<TCA_ACT> action))
            {
                action.PutString(TCA_ACT.KIND, "mirred");
                using (action.Nest(TCA_ACT.OPTIONS, out AttributeWriter<TCA_MIRRED> mirred))
                {
                    mirred.PutStruct(TCA_MIRRED.PARMS, new TcMirred
                    {
                        Action = (int)TC_ACT.STOLEN,
                        Direction = (int)TCA_EGRESS.REDIR,
                        Index = (uint)target.Value,
                    });
                }
            }

            filter.PutStruct(TCA_U32.SEL, new MatchAll { Selector = new TcU32Sel { Flags = (byte)TC_U32.TERMINAL, KeyCount = 1 } });
        }

        Execute(request, $"redirect of index {index} to {target}");
    }

    /// <summary>Where an interface's redirect goes; null when it has none. <c>tc filter show dev DEV ingress</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public InterfaceIndex? FindRedirect(InterfaceIndex index)
    {
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>(
            (ushort)RTM.GETTFILTER, NLM_F.DUMP, new TcMsg { Index = index.Value, Parent = IngressHandle });
        foreach (object found in Dump<TCA, object>(request, ParseRedirect, $"filters of index {index}"))
        {
            return (InterfaceIndex)found;
        }

        return null;
    }

    /// <summary>An interface's queueing discipline at that place, if it is not the kernel's own; costs the same with any number of interfaces.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public Qdisc? FindQdisc(InterfaceIndex index, TC_H place)
    {
        // Without NLM_F_ECHO older kernels, 6.18 among them, tell the listeners alone and not who asks (qdisc_notify).
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>(
            (ushort)RTM.GETQDISC, NLM_F.ECHO, new TcMsg { Index = index.Value, Parent = (uint)place });
        try
        {
            return Find<TCA, Qdisc>(request, ParseQdisc, $"index {index}");
        }
        catch (NetlinkException e) when (e.Errno == Errno.EINVAL)
        {
            return null;   // a built-in one, which the kernel does not show (tc_qdisc_dump_ignore, net/sched/sch_api.c)
        }
    }

    /// <summary>Takes a queueing discipline away, with its filters. <c>tc qdisc del dev DEV root</c>, <c>ingress</c>.</summary>
    /// <returns>False when there was none but the kernel's own.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteQdisc(InterfaceIndex index, TC_H place)
    {
        NetlinkMessage<TCA> request = Request<TcMsg, TCA>(
            (ushort)RTM.DELQDISC, 0, new TcMsg { Index = index.Value, Parent = (uint)place });
        return TryExecute(request, $"qdisc of index {index}", Errno.ENOENT, Errno.ENODEV, Errno.EINVAL);
    }

    private static Qdisc ParseQdisc(NetlinkReply reply)
    {
        TcMsg header = reply.HeaderAs<TcMsg>();
        Qdisc qdisc = new(string.Empty, header.Handle, header.Parent);
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<TcMsg>())
        {
            qdisc = attribute.As<TCA>() switch
            {
                TCA.KIND => qdisc with { Kind = attribute.GetString() },
                TCA.OPTIONS when qdisc.Kind == "tbf" => qdisc with { TokenBucket = ParseTokenBucket(attribute.Nested) },
                _ => qdisc,
            };
        }

        return qdisc;
    }

    private static TokenBucket ParseTokenBucket(AttributeReader options)
    {
        TcTbfQopt parameters = default;
        ulong? rate = null;
        foreach (NetlinkAttribute attribute in options)
        {
            switch (attribute.As<TCA_TBF>())
            {
                case TCA_TBF.PARMS:
                    parameters = attribute.GetStruct<TcTbfQopt>();
                    break;
                case TCA_TBF.RATE64:
                    rate = attribute.GetU64();
                    break;
                default:
                    break;
            }
        }

        rate ??= parameters.Rate.Rate;
        return new TokenBucket(rate.Value, TokenBucket.BurstOf(rate.Value, parameters.Buffer), parameters.Limit);
    }

    private static object? ParseRedirect(NetlinkReply reply)
    {
        string kind = string.Empty;
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<TcMsg>())
        {
            if (attribute.As<TCA>() == TCA.KIND)
            {
                kind = attribute.GetString();
            }
            else if (attribute.As<TCA>() == TCA.OPTIONS && kind == "u32" && FindTarget(attribute.Nested) is InterfaceIndex target)
            {
                return target;
            }
        }

        return null;
    }

    private static InterfaceIndex? FindTarget(AttributeReader filter)
    {
        foreach (NetlinkAttribute attribute in filter)
        {
            if (attribute.As<TCA_U32>() != TCA_U32.ACT)
            {
                continue;
            }

            foreach (NetlinkAttribute action in attribute.Nested)
            {
                if (FindMirred(action.Nested) is TcMirred { Direction: (int)TCA_EGRESS.REDIR } mirred)
                {
                    return new InterfaceIndex((int)mirred.Index);
                }
            }
        }

        return null;
    }

    private static TcMirred? FindMirred(AttributeReader action)
    {
        string kind = string.Empty;
        foreach (NetlinkAttribute attribute in action)
        {
            if (attribute.As<TCA_ACT>() == TCA_ACT.KIND)
            {
                kind = attribute.GetString();
            }
            else if (attribute.As<TCA_ACT>() == TCA_ACT.OPTIONS && kind == "mirred")
            {
                foreach (NetlinkAttribute option in attribute.Nested)
                {
                    if (option.As<TCA_MIRRED>() == TCA_MIRRED.PARMS)
                    {
                        return option.GetStruct<TcMirred>();
                    }
                }
            }
        }

        return null;
    }

    /// <summary>A selector with one key that every packet fits: mask 0, value 0.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MatchAll
    {
        public TcU32Sel Selector;
        public TcU32Key Key;
    }
}
