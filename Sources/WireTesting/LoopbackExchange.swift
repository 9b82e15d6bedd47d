import Basics
import Logging
import Wire

/// Whole exchanges with a handler that answers and closes, for instance of HTTP.
package enum LoopbackExchange {
  /// Serves with a handler on loopback and sends it each request on a connection of its own.
  ///
  /// - Returns: everything that came until the end, for each request.
  /// - Throws: what the listener or a client throws; a client that waits too long fails with its transcript.
  package static func answers(
    of handler: some ConnectionHandler, to requests: [String]
  ) async throws -> [String] {
    let server = WireServer(tls: nil, time: SystemTime(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    var answers: [String] = []
    for place in try await server.listen(ListenerSpec(name: "test", addresses: [("127.0.0.1", 0)]), handler: handler) {
      for request in requests {
        let client = try await LoopbackClient.connect(port: place.port)
        try await client.send(request)
        answers.append(String(decoding: try await client.bytesToEnd(), as: UTF8.self))
      }
    }
    await server.drain(within: .seconds(1))
    return answers
  }
}
