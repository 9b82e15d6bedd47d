import Basics
import MailStore
import Wire

/// IDLE (RFC 2177): news go out the moment they happen.
extension IMAPSession {
  func idle(_ tag: [UInt8]) async throws {
    let wakeup = wakeup
    // Registered before the first look, so that nothing falls between the two.
    let listener = try await selected?.mailbox.addListener { wakeup.signal() }
    defer { listener?.cancel() }
    out.text("+ idling\r\n")
    try await sync(allowExpunge: true)
    send()
    out.bytes = []
    guard let last = try await waitForDone() else {
      isEnding = true
      return
    }
    guard String(decoding: last.prefix(16), as: UTF8.self).uppercased() == "DONE" else {
      throw Refusal.bad("Expected DONE")
    }
    tagged(tag, "OK", nil, "IDLE completed")
  }

  /// Tells news until the client's next line; `nil` when the session ends.
  private func waitForDone() async throws -> [UInt8]? {
    let start = service.time.uptime
    var lastWords = start
    while true {
      let now = service.time.uptime
      guard now - start < limits.idleTimeout else { throw ConnectionError.timeout }
      var leaseWait = timeToTouchLease()
      if leaseWait <= .zero { leaseWait = await touchLease() }
      var wait = min(limits.idleTimeout - (now - start), leaseWait)
      if let keepalive = limits.idleKeepalive {
        if now - lastWords >= keepalive {
          untagged("OK", nil, "Still here")
          send()
          lastWords = now
        }
        wait = min(wait, keepalive - (now - lastWords))
      }
      do {
        switch try await connection.readLine(limit: limits.lineBeforeLogin, timeout: wait, or: wakeup) {
        case .line(let line): return line
        case .end: return nil
        case .woken:
          if try await accountHasChanged() { return nil }
          guard try await refreshRights() else { return nil }
          // RFC 5465 section 4: NOTIFY says what IDLE tells.
          if watch != nil { try await tellNews() } else { try await sync(allowExpunge: true) }
          send()
          if isEnding { return nil }
        }
      } catch ConnectionError.timeout {
        continue
      } catch ConnectionError.lineTooLong {
        throw Refusal.bad("Expected DONE")
      }
    }
  }
}
