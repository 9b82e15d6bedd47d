#if canImport(Glibc)
  import Glibc
#endif

/// A TCP listener on 127.0.0.1 for servers that tests write with plain sockets, one thread of its own.
package final class LoopbackListener: Sendable {
  /// No port could be had.
  package struct NoPort: Error {}

  /// The port, given by the system.
  package let port: Int
  private let socket: Socket

  /// Listens; nobody is answered before ``serve(_:)``.
  package init() throws {
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw NoPort() }
    socket = Socket(descriptor)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, raw, &length) == 0
      }
    }
    guard isListening else { throw NoPort() }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { stop() }

  /// Hands every connection to `body`, and closes it when that returns.
  ///
  /// - Parameter inParallel: each on a thread of its own; otherwise one after the other.
  package func serve(inParallel: Bool = false, _ body: @escaping @Sendable (Int32) -> Void) {
    let socket = socket
    Self.onThread {
      while true {
        let peer = accept(socket.descriptor, nil, nil)
        guard peer >= 0 else { return }
        let work: @Sendable () -> Void = {
          body(peer)
          close(peer)
        }
        if inParallel { Self.onThread(work) } else { work() }
      }
    }
  }

  /// Takes no more connections; one that is being served goes on to its end.
  package func stop() { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }

  private static func onThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(Body(body)).toOpaque())
    pthread_detach(thread)
  }

  /// Closed when neither the listener nor its thread needs it, so that its number cannot be another's meanwhile.
  private final class Socket: Sendable {
    let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
