import Dispatch

#if canImport(Glibc)
  import Glibc
#endif

/// SIGINT and SIGTERM as something to wait for.
enum Interruption {
  /// Returns at the first of them.
  static func wait() async {
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_IGN)
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
    let sources = [SIGINT, SIGTERM].map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
    for source in sources {
      source.setEventHandler { continuation.yield() }
      source.resume()
    }
    for await _ in signals { break }
    for source in sources { source.cancel() }
  }
}
