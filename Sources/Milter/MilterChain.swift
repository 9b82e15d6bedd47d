import Logging
import NIOCore
import NIOPosix

/// The filters of one client's session, asked in their order; the first that says no decides.
///
/// A later filter sees the message as the earlier ones have left it. Used from the session's task only.
///
/// ```swift
/// let chain = MilterChain(filters, group: group, files: files, log: log)
/// if case .refuse(let reply) = await chain.connect(client) { … }
/// ```
package final class MilterChain {
  private let peers: [MilterPeer]

  /// Makes the chain; nothing is connected yet.
  ///
  /// - Parameters:
  ///   - group: where the connections run.
  ///   - files: threads that read messages from disk.
  package init(_ filters: [MilterSettings], group: any EventLoopGroup, files: NIOThreadPool, log: Logger) {
    peers = filters.map { MilterPeer(settings: $0, group: group, files: files, log: log) }
  }

  /// A client has connected; before its greeting.
  package func connect(_ client: MilterClient) async -> MilterVerdict {
    await first { await $0.connect(client) }
  }

  /// HELO or EHLO, with TLS macros when there is TLS.
  package func helo(_ name: String, tls: String?) async -> MilterVerdict {
    let macros = tls.map { [("{tls_version}", $0)] } ?? []
    return await first { await $0.ask(.helo, [name], macros) }
  }

  /// MAIL, with its parameters as they came.
  package func mail(_ path: String, parameters: [String], macros: [(String, String)]) async -> MilterVerdict {
    await first { await $0.ask(.mail, ["<\(path)>"] + parameters, macros) }
  }

  /// RCPT, with its parameters as they came.
  package func recipient(_ path: String, parameters: [String]) async -> MilterVerdict {
    let macros = [("{rcpt_addr}", path)]
    return await first { await $0.ask(.recipient, ["<\(path)>"] + parameters, macros) }
  }

  /// The whole message.
  package func filter(
    _ message: FilteredMessage, macros: [(String, String)]
  ) async -> (MilterVerdict, MilterResult) {
    var result = MilterResult(message: message)
    for (index, peer) in peers.enumerated() {
      let verdict = await peer.filter(&result, macros)
      guard verdict == .proceed else {
        for later in peers.dropFirst(index + 1) { await later.abort() }
        return (verdict, result)
      }
    }
    return (.proceed, result)
  }

  /// The message is given up (RSET, a refusal of our own); filters wait for the next one.
  package func abort() async { for peer in peers { await peer.abort() } }

  /// The client has gone.
  package func close() async { for peer in peers { await peer.close() } }

  private func first(_ ask: (MilterPeer) async -> MilterVerdict) async -> MilterVerdict {
    for peer in peers {
      let verdict = await ask(peer)
      if verdict != .proceed { return verdict }
    }
    return .proceed
  }
}
