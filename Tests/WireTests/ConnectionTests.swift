import Basics
import NIOCore
import Testing
import WireTesting

@testable import Wire

@Suite struct ConnectionTests {
  @Test func answersLinesAndPipelines() async throws {
    try await withServer(serve: echo) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.expect("hello")
      #expect(try await client.command("one") == "<one>")
      try await client.send("a\r\nb\nc\r\n" + String(repeating: "x\r\n", count: 5000))
      for text in ["a", "b", "c"] { try await client.expect("<\(text)>") }
      for _ in 0..<5000 { try await client.expect("<x>") }
      try await client.send("spl")
      try await Task.sleep(for: .milliseconds(30))
      try await client.send("it\r")
      try await Task.sleep(for: .milliseconds(30))
      try await client.send("\n")
      try await client.expect("<split>")
      try await client.sendLine("QUIT")
      try await client.expect("bye")
      try await client.expectEnd()
    }
  }

  @Test func worksOnTheDefaultExecutorToo() async throws {
    var settings = WireSettings()
    settings.tasksOnEventLoops = false
    let certificate = try TestCertificate()
    try await withServer(settings, tls: try TLSCertificates([certificate.files]), serve: echo) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.expect("hello")
      try await client.send(String(repeating: "x\r\n", count: 5000))
      for _ in 0..<5000 { try await client.expect("<x>") }
      try await client.sendLine("STARTTLS")
      try await client.expect("go ahead")
      try await client.startTLS()
      #expect(try await client.command("TLS") == "TLSv1.3 localhost")
    }
  }

  @Test func swallowsOverlongLines() async throws {
    try await withServer { connection in
      while true {
        do {
          guard let line = try await connection.readLine(limit: 10, timeout: .seconds(5)) else { return }
          connection.write("<\(String(decoding: line, as: UTF8.self))>\r\n")
        } catch ConnectionError.lineTooLong {
          let ends = connection.overlongLine
          connection.write("too long \(String(decoding: ends.head + [0x7c] + ends.tail, as: UTF8.self))\r\n")
        }
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.send("0123456789\r\n01234567890\r\nok\r\n")
      try await client.expect("<0123456789>")
      try await client.expect("too long 01234567890|01234567890")
      try await client.expect("<ok>")
      try await client.send(String(repeating: "y", count: 300_000))
      #expect(try await client.isSilent())
      try await client.send("tail\r\nafter\r\n")
      let (head, tail) = (String(repeating: "y", count: 64), String(repeating: "y", count: 60) + "tail")
      try await client.expect("too long \(head)|\(tail)")
      try await client.expect("<after>")
    }
  }

  @Test func givesUpOnEndlessLines() async throws {
    var settings = WireSettings()
    settings.swallowLimit = 100_000
    let notes = Notes()
    try await withServer(settings) { connection in
      do {
        _ = try await connection.readLine(limit: 10, timeout: .seconds(5))
      } catch {
        notes.add("\(error)")
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try? await client.send(String(repeating: "y", count: 400_000))
      try await notes.wait(for: 1)
      #expect(notes.all == ["tooMuchInput"])
    }
  }

  @Test func limitsTimeForTheWholeLine() async throws {
    try await withServer { connection in
      do {
        _ = try await connection.readLine(limit: 100, timeout: .milliseconds(300))
      } catch ConnectionError.timeout {
        connection.write("timeout\r\n")
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      let start = ContinuousClock.now
      for _ in 0..<4 {
        try await client.send("z")
        try await Task.sleep(for: .milliseconds(60))
      }
      try await client.expect("timeout")
      #expect(ContinuousClock.now - start < .seconds(20))
    }
  }

  @Test func limitsTimeBeforeLogin() async throws {
    var settings = WireSettings()
    settings.timeBeforeLogin = .seconds(4)
    try await withServer(settings) { connection in
      do {
        while let line = try await connection.readLine(limit: 100, timeout: .seconds(30)) {
          if line == Array("LOGIN".utf8) { connection.tag(account: 1) }
          connection.write("ok\r\n")
        }
      } catch ConnectionError.deadlinePassed {
        connection.write("too slow\r\n")
      }
    } _: { server, port in
      let slow = try await LoopbackClient.connect(port: port)
      let quick = try await LoopbackClient.connect(port: port)
      #expect(try await quick.command("LOGIN") == "ok")
      for _ in 0..<3 {
        try await slow.sendLine("NOOP")
        try await slow.expect("ok")
        try await Task.sleep(for: .milliseconds(50))
      }
      // Commands do not push the end of the time back.
      try await slow.expect("too slow")
      try await slow.expectEnd()
      #expect(try await quick.command("NOOP") == "ok")
      #expect(server.sessions().map(\.account) == [1])
    }
  }

  @Test func wakesAWaitingSession() async throws {
    let wakeup = Wakeup()
    try await withServer { connection in
      connection.write("idling\r\n")
      while true {
        switch try await connection.readLine(limit: 100, timeout: .seconds(20), or: wakeup) {
        case .line(let line):
          connection.write("line \(String(decoding: line, as: UTF8.self))\r\n")
          if line == Array("DONE".utf8) { return }
        case .woken: connection.write("woken\r\n")
        case .end: return
        }
      }
    } _: { _, port in
      wakeup.signal()
      let client = try await LoopbackClient.connect(port: port)
      try await client.expect("idling")
      try await client.expect("woken")
      for _ in 0..<20 {
        wakeup.signal()
        try await client.expect("woken")
      }
      try await client.send("DO")
      wakeup.signal()
      try await client.expect("woken")
      try await client.send("NE\r\n")
      try await client.expect("line DONE")
      try await client.expectEnd()
    }
  }

  @Test func consumesOctetsAndGoesBackToLines() async throws {
    try await withServer { connection in
      while let line = try await connection.readLine(limit: 100, timeout: .seconds(5)) {
        guard var missing = Int(String(decoding: line, as: UTF8.self)) else { return }
        var sum = 0
        while missing > 0 {
          let more = try await connection.consume(timeout: .seconds(5)) { octets in
            let taken = min(octets.count, missing)
            for octet in octets[..<taken] { sum += Int(octet) }
            missing -= taken
            return taken
          }
          guard more else { return }
        }
        connection.write("sum \(sum)\r\n")
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.send("3\r\nabc4\r\nabcd")
      try await client.expect("sum 294")
      try await client.expect("sum 394")
      try await client.send("1000000\r\n")
      try await client.send([UInt8](repeating: 1, count: 999_999))
      try await client.send([1] + Array("2\r\nzz".utf8))
      try await client.expect("sum 1000000")
      try await client.expect("sum 244")
    }
  }

  @Test func waitsForMoreWhenNothingIsTaken() async throws {
    let notes = Notes()
    try await withServer { connection in
      var done = false
      while !done {
        let more = try await connection.consume(timeout: .seconds(5)) { octets in
          notes.add("\(octets.count)")
          done = octets.last == 0x0a
          return done ? octets.count : 0
        }
        if !more { return }
      }
      connection.write("done\r\n")
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      for (index, text) in ["a", "b", "\n"].enumerated() {
        try await client.send(text)
        try await notes.wait(for: index + 1)
      }
      try await client.expect("done")
      #expect(notes.all == ["1", "2", "3"])
    }
  }

  @Test func answersAClientThatHasClosedItsSide() async throws {
    try await withServer(serve: echo) { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.send("a\r\nb\r\nunfinished")
      try await client.finishSending()
      for text in ["hello", "<a>", "<b>"] { try await client.expect(text) }
      try await client.expectEnd()
    }
  }

  @Test func doesNotCollectForAClientThatDoesNotRead() async throws {
    let notes = Notes()
    try await withServer { connection in
      let reply = [UInt8](repeating: 0x78, count: 1000)
      var answered = 0
      while try await connection.readLine(limit: 100, timeout: .seconds(20)) != nil {
        connection.write(reply)
        answered += 1
        if connection.collectedOutput > 200_000 { notes.add("grew") }
        if answered % 5000 == 0 { notes.add("\(answered)") }
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.setReading(false)
      let sender = Task { try await client.send(String(repeating: "x\r\n", count: 20_000)) }
      try await Task.sleep(for: .milliseconds(500))
      // 20 MB of replies are due; the kernel's buffers hold a few, and the session stands still.
      #expect(!notes.all.contains("20000"))
      try await client.setReading(true)
      _ = try await client.bytes(20_000_000, timeout: .seconds(60))
      try await sender.value
      #expect(!notes.all.contains("grew"))
    }
  }

  @Test func cutsOffAClientThatNeverReads() async throws {
    var settings = WireSettings()
    settings.writeTimeout = .milliseconds(300)
    let notes = Notes()
    try await withServer(settings) { connection in
      let block = [UInt8](repeating: 0x78, count: 100_000)
      do {
        while true {
          connection.write(block)
          try await connection.flush()
        }
      } catch {
        notes.add("\(error)")
      }
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      try await client.setReading(false)
      try await notes.wait(for: 1)
      #expect(notes.all == ["timeout"])
      await client.close()
    }
  }

  @Test func writesABigReplyBeforeItCloses() async throws {
    try await withServer { connection in
      connection.write([UInt8](repeating: 0x79, count: 3_000_000))
    } _: { _, port in
      let client = try await LoopbackClient.connect(port: port)
      // Unread input at the close must not cost the client its reply.
      try await client.send("never read\r\n")
      #expect(try await client.bytesToEnd(timeout: .seconds(30)).count == 3_000_000)
    }
  }
}
