import Basics
import MailStore
import Wire

/// An IDLE under way.
struct Idling {
  var tag: [UInt8]
  /// Wakes the session when the selected mailbox changes.
  var listener: ListenerToken?
}

/// IDLE (RFC 2177): news go out the moment they happen.
extension IMAPSession {
  /// Begins to idle; `stayIdle` goes on from the session's own task.
  func idle(_ tag: [UInt8]) async throws {
    let wakeup = wakeup
    // Registered before the first look, so that nothing falls between the two.
    let listener = try await selected?.mailbox.addListener { wakeup.signal() }
    out.text("+ idling\r\n")
    try await sync(allowExpunge: true)
    idling = Idling(tag: tag, listener: listener)
  }

  /// Waits for the end of IDLE and answers it.
  func stayIdle(_ idling: Idling) async throws {
    defer {
      idling.listener?.cancel()
      self.idling = nil
    }
    do {
      guard let last = try await waitForDone() else {
        isEnding = true
        return
      }
      guard String(decoding: last.prefix(16), as: UTF8.self).uppercased() == "DONE" else {
        throw Refusal.bad("Expected DONE")
      }
      tagged(idling.tag, "OK", nil, "IDLE completed")
    } catch let refusal as Refusal {
      answer(refusal, tag: idling.tag)
    } catch let error as StoreError {
      answer(error, tag: idling.tag, creating: false)
    }
  }

  /// Tells news until the client's next line; `nil` when the session ends.
  private func waitForDone() async throws -> [UInt8]? {
    let start = service.time.uptime
    var lastWords = start
    while true {
      let now = service.time.uptime
      guard now - start < limits.idleTimeout else { throw ConnectionError.timeout }
      var leaseWait = timeToTouchLease()
      if leaseWait <= .zero { leaseWait = try await touchLeaseApart() }
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
          try await connection.apart { try await self.tellWhileIdle() }
          if isEnding { return nil }
        }
      } catch ConnectionError.timeout {
        continue
      } catch ConnectionError.lineTooLong {
        throw Refusal.bad("Expected DONE")
      }
    }
  }

  /// Tells what the session was woken for.
  private func tellWhileIdle() async throws {
    guard try await !accountHasChanged(), try await refreshRights() else {
      isEnding = true
      return
    }
    // RFC 5465 section 4: NOTIFY says what IDLE tells.
    if watch != nil { try await tellNews() } else { try await sync(allowExpunge: true) }
    send()
  }
}
