// SPDX-License-Identifier: Apache-2.0
//
// An echo server on libuv's streams: what can be written at once is.

#include <uv.h>

#include "netpoll/tools/bench/peers/peer.h"

namespace {

bool deadlines = false;

struct Connection {
  uv_tcp_t stream;
  uv_timer_t timer;
  uv_write_t rest;
  int handles = 0;  // That are not closed yet.
  char buffer[peer::kBuffer];
};

void OnClosed(uv_handle_t* handle) {
  auto* const connection = static_cast<Connection*>(handle->data);
  if (--connection->handles == 0) delete connection;
}

void Close(Connection* connection) {
  auto* const stream = reinterpret_cast<uv_handle_t*>(&connection->stream);
  if (uv_is_closing(stream) != 0) return;
  uv_close(stream, &OnClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&connection->timer), &OnClosed);
}

void OnDeadline(uv_timer_t* timer) {
  Close(static_cast<Connection*>(timer->data));
}

void SetDeadline(Connection* connection) {
  if (!deadlines) return;
  uv_timer_start(&connection->timer, &OnDeadline, peer::kSeconds * 1000, 0);
}

void OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(static_cast<Connection*>(handle->data)->buffer,
                        peer::kBuffer);
}

void OnRead(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer);

void OnWritten(uv_write_t* rest, int status) {
  auto* const connection = static_cast<Connection*>(rest->data);
  if (status != 0) return Close(connection);
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->stream);
  uv_read_start(stream, &OnAllocate, &OnRead);
  SetDeadline(connection);
}

void OnRead(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  auto* const connection = static_cast<Connection*>(stream->data);
  if (got == 0) return;
  if (got < 0) return Close(connection);
  uv_buf_t out = uv_buf_init(buffer->base, static_cast<unsigned>(got));
  const int put = uv_try_write(stream, &out, 1);
  if (put == got) return SetDeadline(connection);
  if (put < 0 && put != UV_EAGAIN) return Close(connection);
  const int done = put < 0 ? 0 : put;
  out = uv_buf_init(buffer->base + done, static_cast<unsigned>(got - done));
  uv_read_stop(stream);
  uv_timer_stop(&connection->timer);
  connection->rest.data = connection;
  if (uv_write(&connection->rest, stream, &out, 1, &OnWritten) != 0) {
    Close(connection);
  }
}

void OnClient(uv_stream_t* listener, int status) {
  if (status != 0) return;
  auto* const connection = new Connection;
  uv_tcp_init(listener->loop, &connection->stream);
  uv_timer_init(listener->loop, &connection->timer);
  connection->handles = 2;
  connection->stream.data = connection->timer.data = connection;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->stream);
  if (uv_accept(listener, stream) != 0) return Close(connection);
  uv_tcp_nodelay(&connection->stream, 1);
  uv_read_start(stream, &OnAllocate, &OnRead);
  SetDeadline(connection);
}

}  // namespace

int main(int count, char** arguments) {
  deadlines = peer::WantsDeadlines(count, arguments);
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof(address);
  if (uv_tcp_bind(&listener, where, 0) != 0 ||
      uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, &OnClient) !=
          0 ||
      uv_tcp_getsockname(&listener, where, &size) != 0) {
    peer::Die("libuv: listen");
  }
  peer::SayWhere(ntohs(address.sin_port));
  uv_run(loop, UV_RUN_DEFAULT);
}
