namespace CniPlugins.Bench;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            return Options.Parse(arguments) is Options options ? Run(options) : 0;
        }
        catch (BenchException e)
        {
            Console.Error.WriteLine($"error: {e.Message}");
            return 1;
        }
    }

    private static int Run(Options options)
    {
        Console.WriteLine(Machine.Describe());
        Report report = new();
        foreach (IScenario scenario in options.Scenarios)
        {
            Console.Error.WriteLine($"{scenario.Name}: {scenario.Description} …");
            scenario.Run(options, report);
        }

        Console.WriteLine(report);
        return 0;
    }
}
