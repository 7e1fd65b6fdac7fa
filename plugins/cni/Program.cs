using System.Text;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Plugins.Bandwidth;
using CniPlugins.Plugins.Bridge;
using CniPlugins.Plugins.Dummy;
using CniPlugins.Plugins.Firewall;
using CniPlugins.Plugins.Host;
using CniPlugins.Plugins.HostDevice;
using CniPlugins.Plugins.HostLocal;
using CniPlugins.Plugins.Ipvlan;
using CniPlugins.Plugins.Loopback;
using CniPlugins.Plugins.Macvlan;
using CniPlugins.Plugins.None;
using CniPlugins.Plugins.Portmap;
using CniPlugins.Plugins.Ptp;
using CniPlugins.Plugins.Sbr;
using CniPlugins.Plugins.Static;
using CniPlugins.Plugins.Tap;
using CniPlugins.Plugins.Tuning;
using CniPlugins.Plugins.Vlan;
using CniPlugins.Plugins.Vrf;
using CniPlugins.Tools.Reconcile;

namespace CniPlugins.Plugins;

/// <summary>One executable with a hard link for each plugin: the name it is called by says which one it is.</summary>
internal static class Program
{
    private const string OwnName = "cni";

    /// <summary>A driver is one line here and one project reference.</summary>
    private static readonly (string Type, Func<Plugin> Make)[] s_plugins =
    [
        ("bandwidth", static () => new BandwidthPlugin(NetlinkSocket.Kernel)),
        ("bridge", static () => new BridgePlugin(NetlinkSocket.Kernel)),
        ("dummy", static () => new DummyPlugin(NetlinkSocket.Kernel)),
        ("firewall", static () => new FirewallPlugin(NetlinkSocket.Kernel)),
        ("host", static () => new HostPlugin(NetlinkSocket.Kernel)),
        ("host-device", static () => new HostDevicePlugin(NetlinkSocket.Kernel)),
        ("host-local", static () => new HostLocalPlugin(NetlinkSocket.Kernel)),
        ("ipvlan", static () => new IpvlanPlugin(NetlinkSocket.Kernel)),
        ("loopback", static () => new LoopbackPlugin(NetlinkSocket.Kernel)),
        ("macvlan", static () => new MacvlanPlugin(NetlinkSocket.Kernel)),
        ("none", static () => new NonePlugin(NetlinkSocket.Kernel)),
        ("portmap", static () => new PortmapPlugin(NetlinkSocket.Kernel)),
        ("ptp", static () => new PtpPlugin(NetlinkSocket.Kernel)),
        ("sbr", static () => new SbrPlugin(NetlinkSocket.Kernel)),
        ("static", static () => new StaticPlugin()),
        ("tap", static () => new TapPlugin(NetlinkSocket.Kernel)),
        ("tuning", static () => new TuningPlugin(NetlinkSocket.Kernel)),
        ("vlan", static () => new VlanPlugin(NetlinkSocket.Kernel)),
        ("vrf", static () => new VrfPlugin(NetlinkSocket.Kernel)),
    ];

    /// <summary>Commands of the operator's, which a runtime never calls.</summary>
    private static readonly (string Name, Func<string[], int> Run)[] s_tools =
    [
        (ReconcileTool.Name, static arguments => ReconcileTool.Run(NetlinkSocket.Kernel, arguments, CniEnvironment.FromProcess())),
    ];

    private static int Main(string[] arguments)
    {
        try
        {
            string type = Path.GetFileName(Environment.GetCommandLineArgs()[0]);
            return type == OwnName ? Answer(arguments) : Run(type, arguments);
        }
        catch (Exception e)
        {
            // A runtime can do more with a message and an exit code than with SIGABRT, which an exception that gets out of here raises.
            return Fail(e.ToString());
        }
    }

    private static int Run(string type, string[] arguments)
    {
        foreach ((string each, Func<Plugin> make) in s_plugins)
        {
            if (each == type)
            {
                return PluginHost.Run(make(), CniEnvironment.FromProcess());
            }
        }

        foreach ((string each, Func<string[], int> run) in s_tools)
        {
            if (each == type)
            {
                return run(arguments);
            }
        }

        return Fail(
            $"there is no CNI plugin \"{type}\" in this executable; call it by the name of one of these, or by {OwnName}: {List(", ")}");
    }

    private static int Answer(string[] arguments)
    {
        string? list = arguments switch
        {
            ["--list"] => List("\n"),
            ["--list-tools"] => string.Join('\n', Array.ConvertAll(s_tools, static tool => tool.Name)),
            _ => null,
        };
        if (list is null)
        {
            return Fail(
                $"usage: {OwnName} --list          names the plugins in this executable, one per line\n"
                + $"       {OwnName} --list-tools    names the operator's commands in it\n"
                + "A CNI runtime calls it by a link of a plugin's name, which chooses the plugin.");
        }

        StandardStreams.Ensure();
        StandardStreams.Output.Write(Encoding.UTF8.GetBytes(list + "\n"));
        return 0;
    }

    private static string List(string separator) => string.Join(separator, Array.ConvertAll(s_plugins, static plugin => plugin.Type));

    private static int Fail(string message)
    {
        StandardStreams.Ensure();
        try
        {
            StandardStreams.Error.Write(Encoding.UTF8.GetBytes(message + "\n"));
        }
        catch (IOException)
        {
            // Nobody reads it: the exit code remains.
        }

        return 1;
    }
}
