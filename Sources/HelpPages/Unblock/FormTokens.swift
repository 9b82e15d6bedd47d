import Basics
import Synchronization

/// Tokens of forms that were handed out: a page of another site cannot make a visitor send ours, as it never saw one.
///
/// Each is good once, for the network it was given to.
final class FormTokens: Sendable {
  private struct Token {
    let net: IPNetwork
    let end: Duration
  }
  private let tokens = Mutex<[String: Token]>([:])
  private let time: any TimeSource
  private let lifetime: Duration
  private let capacity: Int

  init(time: any TimeSource, lifetime: Duration, capacity: Int) {
    self.time = time
    self.lifetime = lifetime
    self.capacity = max(1, capacity)
  }

  /// A new token for a client.
  func make(for peer: IPAddress) -> String {
    var generator = SystemRandomNumberGenerator()
    let text = String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    let now = time.uptime
    let token = Token(net: peer.clientNetwork(), end: now + lifetime)
    tokens.withLock { tokens in
      if tokens.count >= capacity { tokens = tokens.filter { $0.value.end > now } }
      // Still full: the oldest half goes, so that a flood costs those who wait a second try and no more.
      if tokens.count >= capacity {
        let kept = tokens.sorted { $0.value.end > $1.value.end }.prefix(capacity / 2)
        tokens = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
      }
      tokens[text] = token
    }
    return text
  }

  /// Whether a token was given to this client and is still good; it is not any more.
  func take(_ text: String, from peer: IPAddress) -> Bool {
    guard let token = tokens.withLock({ $0.removeValue(forKey: text) }) else { return false }
    return token.end > time.uptime && token.net == peer.clientNetwork()
  }
}
